// Sizes and places of launches, by index arithmetic alone: tensors larger than any memory.
#include "bias_act_cpu.h"
#include "bias_act_gpu.h"
#include "harness.h"
#include "local_aggregation_cpu.h"
#include "local_aggregation_gpu.h"
#include "upfirdn2d_cpu.h"
#include "upfirdn2d_gpu.h"

namespace emulation {
namespace {

constexpr int64_t kMost = 2147483647;

void RequireEqual(const std::string& what, int64_t got, int64_t expected) {
  if (got != expected)
    Fail(what + " is " + std::to_string(got) + ", expected " + std::to_string(expected));
}

void CheckShared() {
  namespace op = dualcontrast::upfirdn2d;
  for (int up = 1; up <= op::kMaxFactor; ++up)
    for (int down = 1; down <= op::kMaxFactor; ++down)
      for (int taps = 1; taps <= op::kMaxTaps; ++taps)
        for (const int lanes : {1, 4, 8}) {
          op::Attributes a{std::vector<float>(2 * taps), {taps, taps}, true, {up, up},
                           {down, down}, {40, 40, 40, 40}};
          op::Params p;
          if (!op::SetParams({1, 64, 64, 64}, a, &p).empty()) Fail("parameters refused");
          op::SetGpuTiles(lanes, &p);
          if (op::MidCells(p) * 4 > 48 * 1024)
            Fail("upfirdn2d asks for " + std::to_string(op::MidCells(p) * 4) +
                 " bytes of shared memory: up " + std::to_string(up) + " down " +
                 std::to_string(down) + " taps " + std::to_string(taps) + " lanes " +
                 std::to_string(lanes));
          // Packs begin at multiples of 128 bits, or of one cell.
          RequireEqual("cells past a whole pack", p.chunk % lanes, 0);
        }
  dualcontrast::bias_act::Params p;
  p.rows = p.channels = 1000;
  dualcontrast::bias_act::SetGpuTiles<float>(&p);
  const int64_t wide = dualcontrast::bias_act::TileCells(p);
  dualcontrast::bias_act::SetGpuTiles<Half>(&p);
  if (std::max(wide, dualcontrast::bias_act::TileCells(p)) * 4 > 48 * 1024)
    Fail("bias_act asks for more shared memory than there is");
}

// Where elements lie in tensors of more than 2^31 of them: `base` is an address, never read.
const float* const kBase = reinterpret_cast<const float*>(uintptr_t{1} << 40);

void CheckFarUpfirdn2d() {
  namespace op = dualcontrast::upfirdn2d;
  const int64_t batch = 70, side = 8000, channels = 5;  // 2.2e10 elements.
  op::Attributes a{std::vector<float>(8), {4, 4}, true, {1, 1}, {1, 1}, {2, 1, 2, 1}};
  op::Params p;
  if (!op::SetParams({batch, side, side, channels}, a, &p).empty()) Fail("parameters refused");
  op::SetGpuTiles(1, &p);
  const int64_t blocks = op::Blocks(p);
  RequireEqual("upfirdn2d blocks", blocks, batch * (side / 16) * (side / 8));
  const op::Where last = op::Locate(p, static_cast<int>(blocks - 1));
  RequireEqual("last sample", last.sample, batch - 1);
  const int row = p.tile_y - 1, column = p.tile_x - 1;
  using Pass = op::Separable<float, 1, 1, 4>;
  const Pass::RowSite site(p, kBase, last, 0, column);
  const int64_t first_row = side - p.tile_y - 2, first_column = side - 1 - 2;
  RequireEqual("upfirdn2d pixel", site.pixels - kBase,
               (((batch - 1) * side + first_row) * side + first_column) * channels);
  const Pass::ColumnSite to(p, const_cast<float*>(kBase), last, row, column);
  RequireEqual("upfirdn2d output", to.output - kBase, (batch * side * side - 1) * channels);
  const op::DenseSite<float> dense(p, kBase, const_cast<float*>(kBase), last, row, column);
  RequireEqual("dense output", dense.output - kBase, (batch * side * side - 1) * channels);
  p.batch = kMost / (p.tiles_y.value * p.tiles_x.value);
  RequireEqual("most blocks", op::Blocks(p), p.batch * p.tiles_y.value * p.tiles_x.value);
  for (const int64_t more : {p.batch + 1, int64_t{1} << 40, INT64_MAX}) {
    p.batch = more;
    RequireEqual("too many blocks", op::Blocks(p), -1);
  }
}

void CheckFarBiasAct() {
  namespace op = dualcontrast::bias_act;
  const int64_t rows = kMost, channels = 136;
  op::Params p;
  const op::Attributes a{"lrelu", 0.2f, 1, 0, 0};
  if (!op::SetParams({rows, channels}, {channels}, {0}, a, &p).empty()) Fail("parameters refused");
  op::SetGpuTiles<float>(&p);
  const int64_t blocks = op::Blocks(p), tiles = (rows + 31) / 32;
  RequireEqual("bias_act blocks", blocks, tiles * 2);
  const op::Where last = op::Locate(p, static_cast<int>(blocks - 1));
  const int row = static_cast<int>(rows - 1 - last.row);
  const op::RowSite<float, true> site(p, kBase, nullptr, last, row);
  RequireEqual("bias_act offset", site.offset, (rows - 1) * channels + 128);
  RequireEqual("bias", site.bias - kBase, 128);
  RequireEqual("cells of sums", op::ScratchCells(tiles, channels),
               (tiles + (tiles + 63) / 64 + (tiles + 4095) / 4096 + (tiles + 262143) / 262144 +
                (tiles + 16777215) / 16777216) * channels);
  const op::SumLaunch launch(tiles, channels, 256);
  RequireEqual("blocks of a sum", launch.blocks, (tiles + 63) / 64);
  if (!op::SetParams({rows, 1 << 20}, {0}, {0}, a, &p).empty()) Fail("parameters refused");
  op::SetGpuTiles<float>(&p);
  RequireEqual("too many blocks", op::Blocks(p), -1);
  p.rows = kMost / 8192 * 32;
  op::SetGpuTiles<float>(&p);
  RequireEqual("most blocks", op::Blocks(p), p.rows / 32 * 8192);
}

void CheckFarAggregation() {
  namespace op = dualcontrast::local_aggregation;
  const int64_t batch = 40, side = 1500, window = 31, maps = 3, groups = 11, wide = side + 30;
  op::Params p;
  if (!op::SetParams({batch, side, side, maps * groups}, window, maps, &p).empty())
    Fail("parameters refused");
  op::SetGpuTiles<256>(false, 1, &p);
  int64_t blocks = op::Blocks(p);
  RequireEqual("aggregation blocks", blocks, batch * side * ((side + 15) / 16));
  op::Where last = op::Locate(p, static_cast<int>(blocks - 1));
  const op::PixelSite<float> pixel(p, last, static_cast<int>(side - 1 - last.x));
  const int64_t pixels = batch * side * side;
  RequireEqual("weights", pixel.weights, (pixels - 1) * window * window * maps);
  RequireEqual("output", pixel.output, (pixels - 1) * maps * groups);
  RequireEqual("values", pixel.values,
               (((batch - 1) * wide + side - 1) * wide + side - 1) * maps * groups);
  op::SetGpuTiles<256>(true, 1, &p);
  blocks = op::Blocks(p);
  last = op::Locate(p, static_cast<int>(blocks - 1));
  const op::ValueSite<float> value(p, last, static_cast<int>(wide - 1 - last.x));
  RequireEqual("last value", value.values, (batch * wide * wide - 1) * maps * groups);
  RequireEqual("first tap", value.top * window + value.left, window * window - 1);
  const int64_t back = (window - 1) * side + window - 1;
  RequireEqual("its weights", value.weights - back * value.strides.weights_pixel,
               (pixels - 1) * window * window * maps);
  RequireEqual("its gradient", value.output - back * value.strides.channels,
               (pixels - 1) * maps * groups);
  for (const int64_t more : {kMost / (wide * 96) + 1, INT64_MAX}) {
    p.batch = more;
    RequireEqual("too many blocks", op::Blocks(p), -1);
  }
}

// A launch over nothing has no block; the operations then launch nothing.
void CheckEmpty() {
  dualcontrast::upfirdn2d::Attributes a{{1, 1}, {1, 1}, true, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  dualcontrast::upfirdn2d::Params up;
  if (!dualcontrast::upfirdn2d::SetParams({0, 4, 4, 3}, a, &up).empty()) Fail("refused");
  SetCpuTiles(&up);
  RequireEqual("blocks of no images", Blocks(up), 0);
  dualcontrast::bias_act::Params bias;
  if (!SetParams({0, 3}, {3}, {0}, {"relu", 0, 1, 0, 0}, &bias).empty()) Fail("refused");
  SetCpuTiles(&bias);
  RequireEqual("blocks of no rows", Blocks(bias), 0);
  dualcontrast::local_aggregation::Params local;
  if (!SetParams({0, 4, 4, 3}, 3, 3, &local).empty()) Fail("refused");
  SetCpuTiles(false, &local);
  RequireEqual("blocks of no samples", Blocks(local), 0);
}

}  // namespace

void CheckLaunches(int64_t, uint64_t) {
  checking::context = "launches";
  CheckShared();
  CheckFarUpfirdn2d();
  CheckFarBiasAct();
  CheckFarAggregation();
  CheckEmpty();
  std::printf("launches: sizes and places\n");
}

}  // namespace emulation
