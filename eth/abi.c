#include "eth/abi.h"
