// Bias, noise and activation in one pass: what a call asks for, whether it may, and its tiles.
#ifndef DUALCONTRAST_KERNELS_BIAS_ACT_PARAMS_H_
#define DUALCONTRAST_KERNELS_BIAS_ACT_PARAMS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "checks.h"
#include "divisor.h"

namespace dualcontrast {
namespace bias_act {

// How often a smooth activation can be differentiated; those that are linear in pieces have only
// one derivative that is not zero.
constexpr int kMaxOrder = 8;
constexpr int64_t kMaxChannels = 1 << 20;
constexpr int64_t kMaxRows = 2147483647;

// Linear, leaky and rectified are all x where x > 0 and slope * x elsewhere.
enum Activation { kPieces, kSigmoid, kTanh, kSwish };

// The attributes of the operation, as TensorFlow hands them over.
struct Attributes {
  std::string activation;
  float slope, gain, clamp;  // No clamp: 0.
  int64_t order;             // The derivative of this order, times g; 0 is the activation.
};

struct Params {
  int64_t rows;  // Pixels of all samples.
  int channels;
  Divisor noise_rows;  // Row r has noise r modulo these.
  bool bias, noise;
  Activation activation;
  int order;
  double slope, gain, clamp;
  // Of sigmoid or tanh s: the derivative of this order, and of one less, as polynomials of s.
  double derivative[kMaxOrder + 2], before[kMaxOrder + 2];
  // A block makes tile rows of chunk channels.
  int tile, chunk, stride;
  Divisor chunks;
  int64_t tiles;
};

inline bool IsPieces(const std::string& activation) {
  return activation == "linear" || activation == "lrelu" || activation == "relu";
}

// Returns what is wrong with the attributes, or nothing.
inline std::string WrongAttributes(const Attributes& a) {
  const std::vector<std::string> known = {"linear", "lrelu", "relu", "sigmoid", "tanh", "swish"};
  if (std::find(known.begin(), known.end(), a.activation) == known.end())
    return "activation must be linear, lrelu, relu, sigmoid, tanh or swish, got " + a.activation;
  if (!(a.slope >= 0 && a.slope <= 1))
    return "slope must be 0 to 1, got " + std::to_string(a.slope);
  if (!(a.gain > 0 && std::isfinite(a.gain)))
    return "gain must be above 0 and finite, got " + std::to_string(a.gain);
  if (!(a.clamp >= 0 && std::isfinite(a.clamp)))
    return "clamp must be finite and at least 0 (which is none), got " + std::to_string(a.clamp);
  if (a.order < 0 || a.order > kMaxOrder)
    return "order must be 0 to 8, got " + std::to_string(a.order);
  if (IsPieces(a.activation) && a.order > 1)
    return "order must be at most 1 for " + a.activation + ", got " + std::to_string(a.order);
  return "";
}

// Returns what is wrong with the shapes, or nothing; -1 is an unknown side.
inline std::string WrongShapes(const std::vector<int64_t>& x, const std::vector<int64_t>& bias,
                               const std::vector<int64_t>& noise) {
  if (x.size() != 2) return "x must be [rows, channels], got " + Text(x);
  if (x[0] > kMaxRows || x[1] > kMaxChannels)
    return "x must be at most [2147483647, 1048576], got " + Text(x);
  if (bias.size() != 1 || (bias[0] > 0 && x[1] >= 0 && bias[0] != x[1]))
    return "bias must be [channels] or [0] for x " + Text(x) + ", got " + Text(bias);
  // Any number divides no rows.
  if (noise.size() != 1 || noise[0] > kMaxRows ||
      (noise[0] > 0 && x[0] >= 0 && x[0] % noise[0] != 0))
    return "noise must be [rows], a divisor of the rows, or [0] for x " + Text(x) + ", got " +
           Text(noise);
  return "";
}

// Differentiates a polynomial of s by x: d/dx P(s) = P'(s) s', where s' is s - s^2 for the sigmoid
// and 1 - s^2 for tanh.
inline void Differentiate(bool sigmoid, const double* p, double* derivative) {
  std::fill(derivative, derivative + kMaxOrder + 2, 0.0);
  for (int k = 1; k < kMaxOrder + 2; ++k) {
    const double slope = k * p[k];
    if (slope == 0) continue;
    derivative[sigmoid ? k : k - 1] += slope;
    derivative[k + 1] -= slope;
  }
}

inline void SetPolynomials(Params* p) {
  std::fill(p->derivative, p->derivative + kMaxOrder + 2, 0.0);
  std::fill(p->before, p->before + kMaxOrder + 2, 0.0);
  p->derivative[1] = 1;
  for (int k = 0; k < p->order; ++k) {
    std::copy(p->derivative, p->derivative + kMaxOrder + 2, p->before);
    Differentiate(p->activation != kTanh, p->before, p->derivative);
  }
}

// Fills `p` but for the tiles; `x`, `bias`, `noise` are shapes without unknown sides.
inline std::string SetParams(const std::vector<int64_t>& x, const std::vector<int64_t>& bias,
                             const std::vector<int64_t>& noise, const Attributes& a, Params* p) {
  std::string wrong = WrongAttributes(a);
  if (wrong.empty()) wrong = WrongShapes(x, bias, noise);
  if (!wrong.empty()) return wrong;
  p->rows = x[0];
  p->channels = static_cast<int>(x[1]);
  p->bias = bias[0] > 0;
  p->noise = noise[0] > 0;
  p->noise_rows = Divisor(p->noise ? static_cast<int>(noise[0]) : 1);
  p->activation = IsPieces(a.activation) ? kPieces
                  : a.activation == "sigmoid" ? kSigmoid
                  : a.activation == "tanh"    ? kTanh
                                              : kSwish;
  p->order = static_cast<int>(a.order);
  p->slope = a.activation == "linear" ? 1 : a.activation == "relu" ? 0 : a.slope;
  p->gain = a.gain;
  p->clamp = a.clamp;
  SetPolynomials(p);
  return "";
}

// A row of a tile in shared memory is some cells longer than its channels: on a GPU neighbouring
// rows would meet in the same banks.
inline void SetTiles(int tile, int chunk, Params* p) {
  p->tile = tile;
  p->chunk = chunk;
  p->stride = chunk + 4;
  p->chunks = Divisor(std::max(1, (p->channels + chunk - 1) / chunk));
  p->tiles = (p->rows + tile - 1) / tile;
}

// Returns the number of blocks, or -1 where there are more than a launch may have.
inline int64_t Blocks(const Params& p) {
  return CountBlocks(p.tiles, {p.chunks.value});
}

// A level of a sum over `count` rows of `columns`: each `kGroup` rows become one.
constexpr int64_t kGroup = 64;
struct Level {
  int64_t count, columns;
};

DC_HD int64_t Groups(const Level& level) { return (level.count + kGroup - 1) / kGroup; }

// Cells for the sums of `count` rows after each level, the last of which is the result's.
inline int64_t ScratchCells(int64_t count, int64_t columns) {
  int64_t cells = count * columns;
  for (Level level{count, columns}; level.count > kGroup; level.count = Groups(level))
    cells += Groups(level) * columns;
  return cells;
}

}  // namespace bias_act
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_BIAS_ACT_PARAMS_H_
