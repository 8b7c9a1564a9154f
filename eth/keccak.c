#include "eth/keccak.h"
