#define PI_BLOCK_NAME pi_block_avx2
#define VECTOR_BYTES 32
#include "pi_impl_folded.h"
