// Convolution with AVX2 and FMA.
#include "conv2d_cpu.h"
#include "conv2d_scratch.h"

#if defined(__x86_64__)
#pragma GCC target("arch=haswell")
#define DC_CONV2D_ENGINE avx2
#define DC_CONV2D_LANES 8
#define DC_CONV2D_ROWS 6
#include "conv2d_passes.h"

const dualcontrast::conv2d::Engine dualcontrast::conv2d::kAvx2 =
    dualcontrast::conv2d::avx2::RunForm;
#else
const dualcontrast::conv2d::Engine dualcontrast::conv2d::kAvx2 = nullptr;
#endif
