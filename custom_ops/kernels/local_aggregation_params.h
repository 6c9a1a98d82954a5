// Local aggregation: what a call asks for, whether it may, and its tiles.
//
// values [batch, height + window - 1, width + window - 1, channels], padded already;
// weights [batch, height, width, window * window, maps]; output [batch, height, width, channels].
// Channel c is weighted by map c modulo maps.
#ifndef DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_PARAMS_H_
#define DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_PARAMS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"
#include "divisor.h"

namespace dualcontrast {
namespace local_aggregation {

constexpr int64_t kMaxWindow = 31;
constexpr int64_t kMaxSide = 1 << 16;
constexpr int64_t kMaxChannels = 1 << 20;

struct Params {
  int64_t batch;
  int height, width, window, maps, groups;  // Of the output; channels are groups * maps.
  // A block takes tile_x columns of one row and chunk maps.
  int tile_x, chunk;
  Divisor rows, tiles_x, chunks;  // Of the output or, for the values' gradient, of the values.
};

inline std::string WrongWindow(int64_t window) {
  if (window < 1 || window > kMaxWindow || window % 2 == 0)
    return "window must be odd, 1 to 31, got " + std::to_string(window);
  return "";
}

inline bool Differ(int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; }

// Returns what is wrong with the sides of weights, or nothing; -1 is an unknown side.
inline std::string WrongWeights(const std::vector<int64_t>& weights, int64_t window) {
  if (weights.size() != 5 || Differ(weights[3], window * window))
    return "weights must be [batch, height, width, " + std::to_string(window * window) +
           ", maps] for window " + std::to_string(window) + ", got " + Text(weights);
  return "";
}

// Returns what is wrong with the sides of the values: [batch, height + window - 1,
// width + window - 1, channels] for an output's or the weights' first three sides, or nothing.
inline std::string WrongValues(const std::vector<int64_t>& values,
                               const std::vector<int64_t>& output, int64_t window) {
  bool wrong = values.size() != 4;
  for (int axis = 0; axis < 3 && !wrong; ++axis) {
    const int64_t border = axis > 0 ? window - 1 : 0;
    wrong = (values[axis] >= 0 && values[axis] < border) ||
            Differ(values[axis] - border, output[axis]);
  }
  if (wrong)
    return "values must be [batch, height + " + std::to_string(window - 1) + ", width + " +
           std::to_string(window - 1) + ", channels] for a batch, height and width of " +
           Text({output[0], output[1], output[2]}) + ", got " + Text(values);
  return "";
}

// Returns what is wrong with the sides of an output's gradient for these weights, or nothing.
inline std::string WrongGradient(const std::vector<int64_t>& g,
                                 const std::vector<int64_t>& weights) {
  bool wrong = g.size() != 4;
  for (int axis = 0; axis < 3 && !wrong; ++axis) wrong = Differ(g[axis], weights[axis]);
  if (wrong)
    return "g must be [batch, height, width, channels] for weights " + Text(weights) + ", got " +
           Text(g);
  return "";
}

inline std::string WrongMaps(int64_t channels, int64_t maps) {
  if (maps == 0 || maps < -1 || maps > kMaxChannels)
    return "maps must be 1 to 1048576, got " + std::to_string(maps);
  if (channels >= 0 && maps > 0 && channels % maps != 0)
    return "channels must be a multiple of the " + std::to_string(maps) + " maps, got " +
           std::to_string(channels);
  return "";
}

// Fills `p` but for the tiles, of sides that were found right; returns what is too large.
inline std::string SetParams(const std::vector<int64_t>& output, int64_t window, int64_t maps,
                             Params* p) {
  if (output[1] > kMaxSide || output[2] > kMaxSide || output[3] > kMaxChannels)
    return "sides must be at most [batch, 65536, 65536, 1048576], got " + Text(output);
  p->batch = output[0];
  p->height = static_cast<int>(output[1]);
  p->width = static_cast<int>(output[2]);
  p->window = static_cast<int>(window);
  p->maps = static_cast<int>(maps);
  p->groups = static_cast<int>(output[3] / maps);
  return "";
}

// Sets the tiles of a kernel whose sites are the pixels of [rows, columns].
inline void SetTiles(int tile_x, int chunk, int rows, int columns, Params* p) {
  p->tile_x = tile_x;
  p->chunk = chunk;
  p->rows = Divisor(std::max(1, rows));
  p->tiles_x = Divisor(std::max(1, (columns + tile_x - 1) / tile_x));
  p->chunks = Divisor((p->maps + chunk - 1) / chunk);
}

// Returns the number of blocks, or -1 where there are more than a launch may have.
inline int64_t Blocks(const Params& p) {
  return CountBlocks(p.batch, {p.rows.value, p.tiles_x.value, p.chunks.value});
}

}  // namespace local_aggregation
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_LOCAL_AGGREGATION_PARAMS_H_
