#include "eth/eip191.h"
