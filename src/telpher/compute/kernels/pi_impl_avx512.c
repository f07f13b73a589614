#define PI_BLOCK_NAME pi_block_avx512
#define VECTOR_BYTES 64
#include "pi_impl_folded.h"
