// The three passes of a convolution: transform tiles, multiply matrices point by point, transform
// back. See conv2d_forms.h for what is transformed, conv2d_microkernel.h for how an engine is made.
#ifndef DUALCONTRAST_KERNELS_CONV2D_PASSES_H_
#define DUALCONTRAST_KERNELS_CONV2D_PASSES_H_

#include "conv2d_cpu.h"
#include "conv2d_forms.h"
#include "conv2d_scratch.h"

namespace dualcontrast {
namespace conv2d {
namespace DC_CONV2D_ENGINE {

constexpr char kNoMemory[] = "no memory for the tiles";

// Rows of matrices lie this many floats apart: not a power of two, which caches map to one place.
DC_INLINE int64_t Apart(int64_t channels) { return RoundUp<int64_t>(channels, 16) + 16; }

// Nanoseconds of so many multiplications, roughly.
DC_INLINE int64_t Cost(int64_t multiplications) { return multiplications / 32 + 1; }

// Outputs are cut into tiles of F::kTile, rows of tiles after another, image after image.
template <class F>
struct Tiles {
  int rows, columns;
  int64_t count;

  explicit Tiles(const Params& p)
      : rows(Ceil(p.out_height, F::kTile)),
        columns(Ceil(p.out_width, F::kTile)),
        count(p.batch * rows * columns) {}

  // Calls body(tile, image, row, column) for tiles [first, last).
  template <class Body>
  inline __attribute__((always_inline)) void For(int64_t first, int64_t last,
                                                 const Body& body) const {
    int64_t image = first / (int64_t{columns} * rows);
    int row = static_cast<int>(first / columns % rows), column = static_cast<int>(first % columns);
    for (int64_t tile = first; tile < last; ++tile) {
      body(tile, image, row, column);
      if (++column < columns) continue;
      column = 0;
      if (++row < rows) continue;
      row = 0, ++image;
    }
  }
};

// How many tiles make a block: at most so many, fewer where there would be less than four blocks
// to share among threads.
DC_INLINE int64_t TilesOfBlock(int64_t tiles, int64_t most) {
  const int64_t blocks = Max(Ceil(tiles, most), Min<int64_t>(4, tiles / (4 * kRows)));
  return RoundUp<int64_t>(Ceil(tiles, Max<int64_t>(1, blocks)), kRows);
}

// Pixels kSide x kSide of an image, from (y, x), with zeros around the image.
template <int kSide>
class Patch {
 public:
  Patch(const float* image, int height, int width, int channels, int64_t n, int y, int x)
      : row_(int64_t{width} * channels), pixel_(channels), origin_(nullptr) {
    static const float zeros[kLanes] = {};
    const float* const corner = image + n * height * row_;
    // Of one pixel the arrays are always set: it is never outside, but a compiler that does not see
    // that would call them uninitialized.
    if (kSide > 1 && y >= 0 && x >= 0 && y + kSide <= height && x + kSide <= width) {
      origin_ = corner + y * row_ + x * pixel_;
      return;
    }
    for (int i = 0; i < kSide; ++i)
      for (int j = 0; j < kSide; ++j) {
        const int at_y = y + i, at_x = x + j, at = i * kSide + j;
        const bool inside = at_y >= 0 && at_y < height && at_x >= 0 && at_x < width;
        from_[at] = inside ? corner + at_y * row_ + at_x * pixel_ : zeros;
        step_[at] = inside;
      }
  }

  // Channels from c on of all pixels.
  template <class Whole>
  inline __attribute__((always_inline)) void Read(Whole whole, int c, int lanes, Vec* to) const {
    if (origin_) {
      for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j)
          to[i * kSide + j] = Load(whole, origin_ + i * row_ + j * pixel_ + c, lanes);
    } else {
      for (int at = 0; at < kSide * kSide; ++at)
        to[at] = Load(whole, from_[at] + step_[at] * c, lanes);
    }
  }

 private:
  int64_t row_, pixel_;
  const float* origin_;  // Null where a part is outside of the image.
  const float* from_[kSide * kSide];
  int64_t step_[kSide * kSide];
};

// Applies a transform of kIn to kOut along the columns of a square and then along its rows, and
// hands each row of the result to put(row, vectors).
template <int kIn, int kOut, void (*kTransform)(const Vec*, int, Vec*, int), class Put>
DC_INLINE void Square(const Vec* in, const Put& put) {
  Vec half[kOut * kIn];
  for (int j = 0; j < kIn; ++j) kTransform(in + j, kIn, half + j, kIn);
  for (int i = 0; i < kOut; ++i) {
    Vec row[kOut];
    kTransform(half + i * kIn, 1, row, 1);
    put(i, row);
  }
}

// Numbers of a form along both axes. Where points are shared, outputs have only one.
template <class F>
struct Both {
  static constexpr int kPoints = F::kPoints * F::kPoints;
  static constexpr int kMatrices = F::kMatrices * F::kMatrices;
  static constexpr int kOutSide = F::kShared ? 1 : F::kPoints;
  static constexpr int kOutPoints = kOutSide * kOutSide;
  static constexpr int OutPoint(int point) { return F::kShared ? 0 : point; }
  static constexpr int Matrix(int point) {
    return F::Matrix(point / F::kPoints) * F::kMatrices + F::Matrix(point % F::kPoints);
  }
};

// Where the points of tiles go: point * plane + tile * row + channel or, where channels are cut
// into panels for the microkernel, panel * panels + tile * row + channel within the panel.
struct Planes {
  float* data;
  int64_t plane, row, panels;

  float* At(int64_t tile, int channel) const {
    if (panels == 0) return data + tile * row + channel;
    return data + channel / kPanel * panels + tile * row + channel % kPanel;
  }
};

// The points of inputs of tiles [first, last).
template <class F>
static void ReadInputs(const Params& p, const float* x, int64_t first, int64_t last,
                       int64_t origin, const Planes& v) {
  const Tiles<F> tiles(p);
  constexpr int kStep = F::kTile * F::kStride;
  tiles.For(first, last, [&](int64_t t, int64_t image, int tile_row, int column) {
    const Patch<F::kWindow> patch(x, p.height, p.width, p.channels, image,
                                  tile_row * kStep - F::kPad, column * kStep - F::kPad);
    ForVectors(p.channels, [&](auto whole, int c, int lanes) {
      Vec pixels[F::kWindow * F::kWindow];
      patch.Read(whole, c, lanes, pixels);
      float* const to = v.At(t - origin, c);
      Square<F::kWindow, F::kPoints, F::Input>(pixels, [&](int i, const Vec* row) {
        for (int j = 0; j < F::kPoints; ++j) Store(to + (i * F::kPoints + j) * v.plane, row[j]);
      });
    });
  });
}

// The same, in `v` or, where a pixel is a point, in the image itself.
template <class F>
DC_INLINE Planes Inputs(const Params& p, const float* x, int64_t first, int64_t last,
                        const Planes& v) {
  if (F::kWindow == 1) return {const_cast<float*>(x) + first * p.channels, 0, p.channels, 0};
  ReadInputs<F>(p, x, first, last, first, v);
  return v;
}

// The points of outputs of tiles [first, last), of the transposed transform.
template <class F>
static void ReadOutputs(const Params& p, const float* y, int64_t first, int64_t last,
                        int64_t origin, const Planes& v) {
  constexpr int kSide = Both<F>::kOutSide;
  const Tiles<F> tiles(p);
  tiles.For(first, last, [&](int64_t t, int64_t image, int tile_row, int column) {
    const Patch<F::kTile> patch(y, p.out_height, p.out_width, p.filters, image,
                                tile_row * F::kTile, column * F::kTile);
    ForVectors(p.filters, [&](auto whole, int c, int lanes) {
      Vec pixels[F::kTile * F::kTile];
      patch.Read(whole, c, lanes, pixels);
      float* const to = v.At(t - origin, c);
      Square<F::kTile, kSide, F::OutputTransposed>(pixels, [&](int i, const Vec* row) {
        for (int j = 0; j < kSide; ++j) Store(to + (i * kSide + j) * v.plane, row[j]);
      });
    });
  });
}

// Outputs of tiles [first, last), of which m holds the points from the first on.
template <class F>
static void WriteOutputs(const Params& p, const Planes& m, int64_t first, int64_t last, float* y) {
  constexpr int kSide = Both<F>::kOutSide;
  const Tiles<F> tiles(p);
  const int64_t line = int64_t{p.out_width} * p.filters;
  tiles.For(first, last, [&](int64_t t, int64_t image, int tile_row, int tile_column) {
    const int row0 = tile_row * F::kTile, column0 = tile_column * F::kTile;
    const int height = Min(F::kTile, p.out_height - row0);
    const int width = Min(F::kTile, p.out_width - column0);
    float* const corner =
        y + (image * p.out_height + row0) * line + int64_t{column0} * p.filters;
    ForVectors(p.filters, [&](auto whole, int c, int lanes) {
      Vec points[kSide * kSide];
      const float* const from = m.At(t - first, c);
      for (int at = 0; at < kSide * kSide; ++at) points[at] = Load(from + at * m.plane);
      Square<kSide, F::kTile, F::Output>(points, [&](int i, const Vec* row) {
        if (i >= height) return;
        float* const to = corner + i * line + c;
        for (int j = 0; j < F::kTile; ++j)
          if (j < width) Store(whole, to + int64_t{j} * p.filters, row[j], lanes);
      });
    });
  });
}

// Inputs of tiles [first, last), whole rows of tiles, of the transposed transform. Neighbours share
// a row or column of pixels, which the first of them stores and the others add to. What is shared
// with rows of tiles that are not among these goes to `seam`, one row of pixels.
template <class F>
static void WriteInputs(const Params& p, const Planes& m, int64_t first, int64_t last, float* x,
                        float* seam) {
  constexpr int kStep = F::kTile * F::kStride;
  static_assert(F::kWindow == kStep + 1, "neighbours share one row");
  const Tiles<F> tiles(p);
  const int64_t line = int64_t{p.width} * p.channels;
  tiles.For(first, last, [&](int64_t t, int64_t image, int tile_row, int tile_column) {
    const int row0 = tile_row * kStep, column0 = tile_column * kStep;
    const bool begun_above = tile_row > 0 && t - tiles.columns >= first;
    const bool ends_in_seam = tile_row + 1 < tiles.rows && t + tiles.columns >= last;
    const int64_t left = int64_t{column0} * p.channels;
    float* const corner = x + (image * p.height + row0) * line + left;
    ForVectors(p.channels, [&](auto whole, int c, int lanes) {
      Vec points[Both<F>::kPoints];
      const float* const from = m.At(t - first, c);
      for (int at = 0; at < Both<F>::kPoints; ++at) points[at] = Load(from + at * m.plane);
      Square<F::kPoints, F::kWindow, F::InputTransposed>(points, [&](int i, const Vec* row) {
        if (row0 + i >= p.height) return;
        float* const to = (i == kStep && ends_in_seam ? seam + left : corner + i * line) + c;
        for (int j = 0; j < F::kWindow; ++j) {
          if (column0 + j >= p.width) continue;
          float* const at = to + int64_t{j} * p.channels;
          const bool begun = (i == 0 && begun_above) || (j == 0 && column0 > 0);
          Store(whole, at, begun ? Load(whole, at, lanes) + row[j] : row[j], lanes);
        }
      });
    });
  });
}

// How a kernel [taps, taps, channels, filters] is to be read: as it is, or as a matrix of filters
// to channels, for the input's gradient; there with the taps in reverse where a convolution makes
// it, and not a transposed one.
enum Reading { kPlain, kTransposed, kReversed };

// Matrices [matrix][panel][depth][kPanel] of the kernel, zeros beyond its columns.
template <class F>
static void ReadKernel(const Params& p, const float* w, Reading reading, float* u,
                       const Parallel& parallel) {
  constexpr int kTaps = F::kTaps * F::kTaps;
  const int depth = reading == kPlain ? p.channels : p.filters;
  const int columns = reading == kPlain ? p.filters : p.channels;
  const int64_t matrix = int64_t{depth} * RoundUp(columns, kPanel);
  const auto put = [&](int n, int k, const Vec* taps) {
    float* const to = u + (int64_t{n / kPanel} * depth + k) * kPanel + n % kPanel;
    Square<F::kTaps, F::kMatrices, F::Kernel>(taps, [&](int i, const Vec* row) {
      for (int j = 0; j < F::kMatrices; ++j) Store(to + (i * F::kMatrices + j) * matrix, row[j]);
    });
  };
  const auto plain = [&](int n, int lanes) {
    for (int k = 0; k < depth; ++k) {
      Vec taps[kTaps];
      for (int t = 0; t < kTaps; ++t) {
        const float* const from = w + (int64_t{t} * depth + k) * columns + n;
        taps[t] = lanes == kLanes ? Load(from) : Load(std::false_type(), from, lanes);
      }
      put(n, k, taps);
    }
  };
  const auto turned = [&](int n, int lanes) {
    alignas(64) float square[kTaps][kLanes][kLanes];
    for (int k0 = 0; k0 < depth; k0 += kLanes) {
      const int count = Min(kLanes, depth - k0);
      for (int t = 0; t < kTaps; ++t) {
        const float* const from =
            w + (int64_t{reading == kReversed ? kTaps - 1 - t : t} * columns + n) * depth + k0;
        for (int k = 0; k < count; ++k)
          for (int i = 0; i < kLanes; ++i)
            square[t][k][i] = i < lanes ? from[int64_t{i} * depth + k] : 0;
      }
      for (int k = 0; k < count; ++k) {
        Vec taps[kTaps];
        for (int t = 0; t < kTaps; ++t) taps[t] = Load(square[t][k]);
        put(n, k0 + k, taps);
      }
    }
  };
  const int64_t vectors = RoundUp(columns, kPanel) / kLanes;
  parallel(vectors, int64_t{depth} * Both<F>::kMatrices, [&](int64_t begin, int64_t end) {
    for (int64_t vector = begin; vector < end; ++vector) {
      const int n = static_cast<int>(vector) * kLanes, lanes = Max(0, Min(kLanes, columns - n));
      reading == kPlain ? plain(n, lanes) : turned(n, lanes);
    }
  });
}

// y of x and a kernel, or x of y and a kernel where it is a convolution too (stride 1).
template <class F>
static std::string MakeOutput(const Params& p, const float* x, const float* kernel,
                              Reading reading, float* y, const Parallel& parallel) {
  const int64_t tiles = Tiles<F>(p).count, per = TilesOfBlock(tiles, F::kTiles);
  const int columns = RoundUp(p.filters, kPanel);
  const int64_t matrix = int64_t{p.channels} * columns;
  const int64_t row_v = Apart(p.channels), row_m = Apart(columns);
  const int64_t plane_v = per * row_v + 16, plane_m = per * row_m + 16;
  const Scratch u(Both<F>::kMatrices * matrix);
  if (!u.data()) return kNoMemory;
  // The kernel's own channels and filters, where they changed places.
  Params of_kernel = p;
  if (reading != kPlain) of_kernel.channels = p.filters, of_kernel.filters = p.channels;
  ReadKernel<F>(of_kernel, kernel, reading, u.data(), parallel);
  bool failed = false;
  const auto make = [&](int64_t begin, int64_t end) {
    const Scratch scratch(Both<F>::kPoints * plane_v + Both<F>::kOutPoints * plane_m);
    if (!scratch.data()) return __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
    const Planes points{scratch.data(), plane_v, row_v, 0};
    const Planes m{scratch.data() + Both<F>::kPoints * plane_v, plane_m, row_m, 0};
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * per, last = Min(tiles, first + per);
      const Planes v = Inputs<F>(p, x, first, last, points);
      for (int point = 0; point < Both<F>::kPoints; ++point)
        for (int n = 0; n < columns; n += kPanel)
          Multiply<false>(last - first, p.channels, v.data + point * v.plane, v.row,
                          u.data() + Both<F>::Matrix(point) * matrix + int64_t{n} * p.channels,
                          p.filters - n, m.data + Both<F>::OutPoint(point) * plane_m + n, row_m,
                          F::kShared && point > 0);
      WriteOutputs<F>(p, m, first, last, y);
    }
  };
  parallel(Ceil(tiles, per), Cost(Both<F>::kPoints * per * matrix), make);
  return failed ? kNoMemory : "";
}

// x of y and a kernel, where it is a transposed convolution (stride 2).
template <class F>
static std::string MakeInput(const Params& p, const float* kernel, const float* y, float* x,
                             const Parallel& parallel) {
  constexpr int kStep = F::kTile * F::kStride;
  const Tiles<F> tiles(p);
  const int columns = RoundUp(p.channels, kPanel);
  const int64_t rows = p.batch * tiles.rows;
  const int64_t rows_per = Max<int64_t>(1, TilesOfBlock(tiles.count, F::kTiles) / tiles.columns);
  const int64_t blocks = Ceil(rows, rows_per), per = rows_per * tiles.columns;
  const int64_t matrix = int64_t{p.filters} * columns, line = int64_t{p.width} * p.channels;
  const int64_t row_v = Apart(p.filters), row_m = Apart(columns);
  const int64_t plane_v = per * row_v + 16, plane_m = per * row_m + 16;
  const Scratch u(Both<F>::kMatrices * matrix), seams(blocks * line);
  if (!u.data() || !seams.data()) return kNoMemory;
  ReadKernel<F>(p, kernel, kTransposed, u.data(), parallel);
  // What no tile reaches: an input one longer than its output needs.
  const int covered = Min(p.width, tiles.columns * kStep + 1);
  if (covered < p.width || tiles.rows * kStep + 1 < p.height)
    std::memset(x, 0, p.batch * p.height * line * sizeof(float));
  bool failed = false;
  const auto make = [&](int64_t begin, int64_t end) {
    const Scratch scratch(Both<F>::kOutPoints * plane_v + Both<F>::kPoints * plane_m);
    if (!scratch.data()) return __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
    const Planes v{scratch.data(), plane_v, row_v, 0};
    const Planes m{scratch.data() + Both<F>::kOutPoints * plane_v, plane_m, row_m, 0};
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * per, last = Min(tiles.count, first + per);
      ReadOutputs<F>(p, y, first, last, first, v);
      for (int point = 0; point < Both<F>::kPoints; ++point)
        for (int n = 0; n < columns; n += kPanel)
          Multiply<false>(last - first, p.filters,
                          v.data + Both<F>::OutPoint(point) * plane_v, row_v,
                          u.data() + Both<F>::Matrix(point) * matrix + int64_t{n} * p.filters,
                          p.channels - n, m.data + point * plane_m + n, row_m, false);
      WriteInputs<F>(p, m, first, last, x, seams.data() + block * line);
    }
  };
  parallel(blocks, Cost(Both<F>::kPoints * per * matrix), make);
  if (failed) return kNoMemory;
  parallel(blocks - 1, line, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t next = (block + 1) * rows_per;
      const int64_t image = next / tiles.rows, row = next % tiles.rows * kStep;
      if (row == 0) continue;
      float* const to = x + (image * p.height + row) * line;
      const float* const seam = seams.data() + block * line;
      for (int64_t i = 0; i < int64_t{covered} * p.channels; ++i) to[i] += seam[i];
    }
  });
  return "";
}

// Adds to, or begins, a chunk of the kernel's gradient: channels from k0 and filters from n0 on.
template <class F>
static void WriteKernel(const Params& p, const float* sums, int64_t matrix, int width, int k0,
                        int ks, int n0, int ns, bool add, float* kernel) {
  for (int k = 0; k < ks; ++k)
    ForVectors(ns, [&](auto whole, int n, int lanes) {
      Vec matrices[Both<F>::kMatrices];
      const float* const from = sums + int64_t{k} * width + n;
      for (int u = 0; u < Both<F>::kMatrices; ++u) matrices[u] = Load(from + u * matrix);
      Square<F::kMatrices, F::kTaps, F::KernelTransposed>(matrices, [&](int i, const Vec* row) {
        for (int j = 0; j < F::kTaps; ++j) {
          float* const to =
              kernel + (int64_t{i * F::kTaps + j} * p.channels + k0 + k) * p.filters + n0 + n;
          Store(whole, to, add ? Load(whole, to, lanes) + row[j] : row[j], lanes);
        }
      });
    });
}

// The kernel of x and y: sums over tiles, so many at a time, of products of their matrices.
template <class F>
class KernelSums {
 public:
  KernelSums(const Params& p, const float* x, const float* y) : p_(p), x_(x), y_(y) {
    const int panels = Ceil(p.filters, kPanel);
    depth_ = RoundUp(Ceil(p.channels, Ceil(p.channels, 8 * kRows)), kRows);
    width_ = Ceil(panels, Ceil(panels, 128 / kPanel)) * kPanel;
    chunks_ = Ceil(p.channels, depth_), across_ = Ceil(p.filters, width_);
    matrix_ = int64_t{depth_} * width_ + 16;
    tiles_ = Tiles<F>(p).count;
    // Few chunks are too few to share among threads.
    by_tiles_ = parts() < 4;
    per_ = by_tiles_ ? TilesOfBlock(tiles_, F::kGradientTiles)
                     : Ceil(tiles_, Ceil<int64_t>(tiles_, F::kGradientTiles));
    row_v_ = Apart(p.channels), plane_v_ = per_ * row_v_ + 16;
    panel_ = per_ * kPanel + 16, plane_d_ = panels * panel_ + 16;
  }

  std::string Make(float* kernel, const Parallel& parallel) const {
    return by_tiles_ ? ByTiles(kernel, parallel) : ByChunks(kernel, parallel);
  }

 private:
  // The matrices of a round of tiles.
  struct Read {
    explicit Read(const KernelSums& of)
        : scratch(Both<F>::kPoints * of.plane_v_ + Both<F>::kOutPoints * of.plane_d_),
          v{scratch.data(), of.plane_v_, of.row_v_, 0},
          d{scratch.data() + Both<F>::kPoints * of.plane_v_, of.plane_d_, kPanel, of.panel_} {}
    const Scratch scratch;
    Planes v, d;
  };

  // Chunks of the kernel, whose matrices stay in a core's cache.
  int64_t parts() const { return int64_t{chunks_} * across_; }
  int64_t rounds() const { return Ceil(tiles_, per_); }
  int64_t cost() const { return Cost(Both<F>::kPoints * per_ * depth_ * width_); }

  // Every thread has chunks of its own; the rounds are one after the other.
  std::string ByChunks(float* kernel, const Parallel& parallel) const {
    constexpr int kTileStep = 4;
    const Read read(*this);
    if (!read.scratch.data()) return kNoMemory;
    bool failed = false;
    for (int64_t first = 0; first < tiles_; first += per_) {
      const int64_t last = Min(tiles_, first + per_);
      const int64_t cost_of_read =
          Both<F>::kPoints * kTileStep * int64_t{p_.channels + p_.filters} / 4;
      parallel(Ceil<int64_t>(last - first, kTileStep), cost_of_read,
               [&](int64_t begin, int64_t end) {
                 const int64_t from = first + begin * kTileStep;
                 const int64_t to = Min(last, first + end * kTileStep);
                 ReadInputs<F>(p_, x_, from, to, first, read.v);
                 ReadOutputs<F>(p_, y_, from, to, first, read.d);
               });
      parallel(parts(), cost(), [&](int64_t begin, int64_t end) {
        const Scratch sums(Both<F>::kMatrices * matrix_);
        if (!sums.data()) return __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
        for (int64_t chunk = begin; chunk < end; ++chunk)
          Add(chunk, last - first, read, sums.data(), first > 0, kernel);
      });
      if (failed) return kNoMemory;
    }
    return "";
  }

  // Every thread has rounds of its own, a sum for each of at most so many parts of them.
  std::string ByTiles(float* kernel, const Parallel& parallel) const {
    const int64_t size = int64_t{F::kTaps} * F::kTaps * p_.channels * p_.filters;
    const int64_t rounds_per = Ceil<int64_t>(rounds(), 16), sums_of = Ceil(rounds(), rounds_per);
    const Scratch kernels(sums_of * size);
    if (!kernels.data()) return kNoMemory;
    bool failed = false;
    parallel(sums_of, cost() * parts() * rounds_per, [&](int64_t begin, int64_t end) {
      Read read(*this);
      const Scratch sums(Both<F>::kMatrices * matrix_);
      if (!read.scratch.data() || !sums.data())
        return __atomic_store_n(&failed, true, __ATOMIC_RELAXED);
      for (int64_t sum = begin; sum < end; ++sum) {
        const int64_t from = sum * rounds_per * per_;
        const int64_t to = Min(tiles_, from + rounds_per * per_);
        for (int64_t first = from; first < to; first += per_) {
          const int64_t last = Min(to, first + per_);
          read.v = Inputs<F>(p_, x_, first, last, read.v);
          ReadOutputs<F>(p_, y_, first, last, first, read.d);
          for (int64_t chunk = 0; chunk < parts(); ++chunk)
            Add(chunk, last - first, read, sums.data(), first > from, kernels.data() + sum * size);
        }
      }
    });
    if (failed) return kNoMemory;
    for (int64_t i = 0; i < size; ++i) kernel[i] = kernels.data()[i];
    for (int64_t sum = 1; sum < sums_of; ++sum)
      for (int64_t i = 0; i < size; ++i) kernel[i] += kernels.data()[sum * size + i];
    return "";
  }

  // Adds to, or begins, a chunk of `kernel` by `count` tiles; `sums` is scratch.
  void Add(int64_t chunk, int64_t count, const Read& read, float* sums, bool add,
           float* kernel) const {
    const int k0 = static_cast<int>(chunk / across_) * depth_;
    const int n0 = static_cast<int>(chunk % across_) * width_;
    const int ks = Min(depth_, p_.channels - k0), ns = Min(width_, p_.filters - n0);
    bool begun[Both<F>::kMatrices] = {};
    for (int point = 0; point < Both<F>::kPoints; ++point) {
      const int u = Both<F>::Matrix(point);
      for (int n = 0; n < ns; n += kPanel)
        Multiply<true>(
            ks, count, read.v.data + point * read.v.plane + k0, read.v.row,
            read.d.data + Both<F>::OutPoint(point) * plane_d_ + (n0 + n) / kPanel * panel_,
            ns - n, sums + u * matrix_ + n, width_, begun[u]);
      begun[u] = true;
    }
    WriteKernel<F>(p_, sums, matrix_, width_, k0, ks, n0, ns, add, kernel);
  }

  const Params& p_;
  const float* const x_;
  const float* const y_;
  int depth_, width_, chunks_, across_;
  bool by_tiles_;
  int64_t matrix_, tiles_, per_, row_v_, plane_v_, panel_, plane_d_;
};

template <class F>
static std::string Run(Pass pass, const Params& p, const float* first, const float* second,
                       float* result, const Parallel& parallel) {
  if (pass == kOutput) return MakeOutput<F>(p, first, second, kPlain, result, parallel);
  if (pass == kKernel) return KernelSums<F>(p, first, second).Make(result, parallel);
  if constexpr (F::kStride == 1) {
    Params turned = p;
    turned.channels = p.filters, turned.filters = p.channels;
    return MakeOutput<F>(turned, second, first, kReversed, result, parallel);
  } else {
    return MakeInput<F>(p, first, second, result, parallel);
  }
}

static std::string RunForm(Pass pass, const Params& p, const float* first, const float* second,
                           float* result, const Parallel& parallel) {
  // Without an output, the sums are of nothing.
  if (p.batch == 0 || p.out_height == 0 || p.out_width == 0) {
    const int64_t of_x = p.batch * p.height * p.width * p.channels;
    const int64_t of_kernel = int64_t{p.taps} * p.taps * p.channels * p.filters;
    if (pass == kInput && of_x) std::memset(result, 0, of_x * sizeof(float));
    if (pass == kKernel) std::memset(result, 0, of_kernel * sizeof(float));
    return "";
  }
  const auto run = p.taps == 1            ? Run<Direct<1, 1>>
                   : p.stride == 2        ? p.form == kDirect ? Run<Direct<3, 2>> : Run<Phases4>
                   : p.form == kDirect    ? Run<Direct<3, 1>>
                   : p.form == kWinograd2 ? Run<Winograd2>
                                          : Run<Winograd4>;
  return run(pass, p, first, second, result, parallel);
}

}  // namespace DC_CONV2D_ENGINE
}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_PASSES_H_
