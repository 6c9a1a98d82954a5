// Upsample, filter, downsample: what a call asks for, whether it may, and how it is cut into tiles.
#ifndef DUALCONTRAST_KERNELS_UPFIRDN2D_PARAMS_H_
#define DUALCONTRAST_KERNELS_UPFIRDN2D_PARAMS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"
#include "divisor.h"

namespace dualcontrast {
namespace upfirdn2d {

constexpr int kMaxTaps = 32;
constexpr int kMaxFactor = 16;
constexpr int64_t kMaxPadding = 1 << 20;
constexpr int64_t kMaxSide = 1 << 24;
constexpr int64_t kMaxChannels = 1 << 20;

// The attributes of the operation, as TensorFlow hands them over.
struct Attributes {
  std::vector<float> filter;        // Height taps then width taps, or row by row.
  std::vector<int64_t> filter_shape;  // Height, width.
  bool separable;
  std::vector<int64_t> up, down;    // Along height, along width.
  std::vector<int64_t> padding;     // Top, bottom, left, right; negative crops.
};

// One axis. Output o reads the zero-inserted positions o * down - pad + tap.
struct Axis {
  int in, out, down, pad, taps;
  Divisor up;
};

struct Params {
  int64_t batch, channels;
  Axis y, x;
  // Flipped: the bodies correlate. Separable: kMaxTaps of height, then of width.
  float filter[kMaxTaps * kMaxTaps];
  // A block makes tile_y * tile_x outputs of chunk channels from mid_y filtered rows.
  int tile_y, tile_x, chunk, mid_y;
  Divisor tiles_y, tiles_x, chunks;
};

inline bool Within(const std::vector<int64_t>& numbers, int64_t low, int64_t high) {
  return std::all_of(numbers.begin(), numbers.end(),
                     [=](int64_t number) { return low <= number && number <= high; });
}

// Returns what is wrong with the attributes, or nothing.
inline std::string WrongAttributes(const Attributes& a) {
  if (a.filter_shape.size() != 2 || !Within(a.filter_shape, 1, kMaxTaps))
    return "filter_shape must be two numbers of taps, each 1 to 32, got " + Text(a.filter_shape);
  const int64_t height = a.filter_shape[0], width = a.filter_shape[1];
  const size_t taps = a.separable ? height + width : height * width;
  if (a.filter.size() != taps)
    return "filter must have " + std::to_string(taps) + " numbers for filter_shape " +
           Text(a.filter_shape) + (a.separable ? " and separable" : "") + ", got " +
           std::to_string(a.filter.size());
  if (a.up.size() != 2 || !Within(a.up, 1, kMaxFactor))
    return "up must be two factors (height, width), each 1 to 16, got " + Text(a.up);
  if (a.down.size() != 2 || !Within(a.down, 1, kMaxFactor))
    return "down must be two factors (height, width), each 1 to 16, got " + Text(a.down);
  if (a.padding.size() != 4 || !Within(a.padding, -kMaxPadding, kMaxPadding))
    return "padding must be four numbers (top, bottom, left, right), each -1048576 to 1048576, "
           "got " + Text(a.padding);
  return "";
}

// Sets `out` to the output's side along axis 0 (height) or 1 (width), -1 where `in` is unknown (-1).
inline std::string OutputSide(const Attributes& a, int axis, int64_t in, int64_t* out) {
  const std::string name = axis == 0 ? "height" : "width";
  *out = -1;
  if (in < 0) return "";
  if (in < 1 || in > kMaxSide)
    return "x must have a " + name + " of 1 to 16777216, got " + std::to_string(in);
  const int64_t before = a.padding[2 * axis], after = a.padding[2 * axis + 1];
  const int64_t padded = in * a.up[axis] + before + after, taps = a.filter_shape[axis];
  if (padded < taps)
    return "x must have a " + name + " of at least " + std::to_string(taps) +
           " (the filter's taps) once upsampled and padded, got " + std::to_string(padded) + " = " +
           std::to_string(in) + " * " + std::to_string(a.up[axis]) + " + " +
           std::to_string(before) + " + " + std::to_string(after);
  *out = (padded - taps) / a.down[axis] + 1;
  return "";
}

inline std::string WrongShape(const std::vector<int64_t>& x) {
  if (x.size() != 4) return "x must be [batch, height, width, channels], got " + Text(x);
  if (x[3] > kMaxChannels)
    return "x must have at most 1048576 channels, got " + std::to_string(x[3]);
  return "";
}

// Rows of pixels that any window of so many outputs meets, at most.
inline int64_t RowsOfTile(const Axis& axis, int64_t outputs) {
  return ((outputs - 1) * axis.down + axis.taps - 1) / axis.up.value + 1;
}

// Sets the tiles: at most `tile_y` by `tile_x` outputs of `chunk` channels, in at most `cells`.
inline void SetTiles(int tile_y, int tile_x, int chunk, int64_t cells, Params* p) {
  p->chunk = chunk;
  p->tile_x = tile_x;
  p->tile_y = tile_y;
  while (p->tile_y > 1 && RowsOfTile(p->y, p->tile_y) * p->tile_x * p->chunk > cells)
    p->tile_y /= 2;
  p->mid_y = static_cast<int>(RowsOfTile(p->y, p->tile_y));
  p->tiles_y = Divisor((p->y.out + p->tile_y - 1) / p->tile_y);
  p->tiles_x = Divisor((p->x.out + p->tile_x - 1) / p->tile_x);
  p->chunks = Divisor(static_cast<int>((p->channels + p->chunk - 1) / p->chunk));
}

// Whether both axes have these factors and taps.
inline bool Is(const Params& p, int up, int down, int taps) {
  return p.y.up.value == up && p.y.down == down && p.y.taps == taps && p.x.up.value == up &&
         p.x.down == down && p.x.taps == taps;
}

// Returns the number of blocks, or -1 where there are more than kMaxBlocks.
inline int64_t Blocks(const Params& p) {
  return CountBlocks(p.batch, {p.tiles_y.value, p.tiles_x.value, p.chunks.value});
}

inline int64_t MidCells(const Params& p) {
  return static_cast<int64_t>(p.mid_y) * p.tile_x * p.chunk;
}

// Fills `p` but for the tiles; returns what is wrong, or nothing.
inline std::string SetParams(const std::vector<int64_t>& x, const Attributes& a, Params* p) {
  std::string wrong = WrongShape(x);
  if (wrong.empty()) wrong = WrongAttributes(a);
  int64_t out[2];
  for (int axis = 0; axis < 2 && wrong.empty(); ++axis)
    wrong = OutputSide(a, axis, x[1 + axis], &out[axis]);
  if (!wrong.empty()) return wrong;
  p->batch = x[0];
  p->channels = x[3];
  Axis* axes[2] = {&p->y, &p->x};
  for (int i = 0; i < 2; ++i)
    *axes[i] = {static_cast<int>(x[1 + i]),         static_cast<int>(out[i]),
                static_cast<int>(a.down[i]),        static_cast<int>(a.padding[2 * i]),
                static_cast<int>(a.filter_shape[i]), Divisor(static_cast<int>(a.up[i]))};
  const int height = p->y.taps, width = p->x.taps;
  if (a.separable) {
    for (int t = 0; t < height; ++t) p->filter[t] = a.filter[height - 1 - t];
    for (int t = 0; t < width; ++t) p->filter[kMaxTaps + t] = a.filter[height + width - 1 - t];
  } else {
    for (int t = 0; t < height * width; ++t) p->filter[t] = a.filter[height * width - 1 - t];
  }
  return "";
}

}  // namespace upfirdn2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_UPFIRDN2D_PARAMS_H_
