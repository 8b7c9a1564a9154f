#include "eth/u256.h"
