#include "eth/eip712.h"
