#include "eth/hex.h"
