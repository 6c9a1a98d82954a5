// Convolution with AVX-512.
#include "conv2d_cpu.h"
#include "conv2d_scratch.h"

#if defined(__x86_64__)
#pragma GCC target("arch=skylake-avx512")
#define DC_CONV2D_ENGINE avx512
#define DC_CONV2D_LANES 16
#define DC_CONV2D_ROWS 12
#include "conv2d_passes.h"

const dualcontrast::conv2d::Engine dualcontrast::conv2d::kAvx512 =
    dualcontrast::conv2d::avx512::RunForm;
#else
const dualcontrast::conv2d::Engine dualcontrast::conv2d::kAvx512 = nullptr;
#endif
