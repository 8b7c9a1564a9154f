#include "eth/address.h"
