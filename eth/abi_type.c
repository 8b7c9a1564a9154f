#include "eth/abi_type.h"
