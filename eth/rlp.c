#include "eth/rlp.h"
