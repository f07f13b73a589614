#define PI_BLOCK_NAME pi_block_baseline
#define VECTOR_BYTES 16
#include "pi_impl_folded.h"
