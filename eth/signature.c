#include "eth/signature.h"
