// Convolution with NEON.
#include "conv2d_cpu.h"
#include "conv2d_scratch.h"

#if defined(__aarch64__)
#define DC_CONV2D_ENGINE neon
#define DC_CONV2D_LANES 4
#define DC_CONV2D_ROWS 12
#include "conv2d_passes.h"

const dualcontrast::conv2d::Engine dualcontrast::conv2d::kNeon =
    dualcontrast::conv2d::neon::RunForm;
#else
const dualcontrast::conv2d::Engine dualcontrast::conv2d::kNeon = nullptr;
#endif
