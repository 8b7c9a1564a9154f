#include "eth/tx.h"
