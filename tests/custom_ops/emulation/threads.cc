// The blocks of all GPU kernels on real threads, for the thread sanitizer: a block's shared memory
// is plain, between its phases all threads wait for each other, and blocks do not wait.
//
// With the argument `no_barrier` after the operation, phases do not wait either: the sanitizer must
// then find a race.
#include <barrier>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bias_act_gpu.h"
#include "local_aggregation_gpu.h"
#include "upfirdn2d_gpu.h"

namespace {

using dualcontrast::Shared;

// Few, but so many that they meet in shared memory: of 64, each would find in a column of upfirdn2d
// only what it wrote itself.
constexpr int kThreads = 64, kResamplingThreads = 256;
bool barriers = true;

std::vector<float> Numbers(int64_t count) {
  std::vector<float> numbers(count);
  uint32_t state = 1;
  for (float& number : numbers) {
    state = state * 1664525u + 1013904223u;
    number = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
  return numbers;
}

// Calls run(block, phase, thread, cells) on as many threads as a block has.
template <class Run>
void RunOnThreads(const std::string& name, int count, int64_t blocks, int phases, int64_t cells,
                  const Run& run) {
  const std::unique_ptr<float[]> shared(new float[blocks * cells]);
  std::barrier barrier(count);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < count; ++thread)
    threads.emplace_back([&, thread] {
      for (int64_t block = 0; block < blocks; ++block)
        for (int phase = 0; phase < phases; ++phase) {
          if (phase > 0 && barriers) barrier.arrive_and_wait();
          run(static_cast<int>(block), phase, thread, shared.get() + block * cells);
        }
    });
  for (std::thread& thread : threads) thread.join();
  std::printf("%s: %lld blocks of %d threads in %d phases\n", name.c_str(),
              static_cast<long long>(blocks), count, phases);
}

template <class Run>
void RunInOrder(int count, int64_t blocks, int phases, int64_t cells, const Run& run) {
  std::vector<float> shared(cells);
  for (int64_t block = 0; block < blocks; ++block)
    for (int phase = 0; phase < phases; ++phase)
      for (int thread = 0; thread < count; ++thread)
        run(static_cast<int>(block), phase, thread, shared.data());
}

// Both ways; make(results) returns a run that writes there.
template <class Make>
void Compare(const std::string& name, int count, int64_t blocks, int phases, int64_t cells,
             int64_t results, const Make& make) {
  std::vector<float> expected(results, NAN), got(results, NAN);
  RunInOrder(count, blocks, phases, cells, make(expected.data()));
  RunOnThreads(name, count, blocks, phases, cells, make(got.data()));
  if (barriers && memcmp(got.data(), expected.data(), results * sizeof(float)) != 0) {
    std::fprintf(stderr, "FAILED %s: threads change the result\n", name.c_str());
    std::exit(1);
  }
}

template <int N, int kUp, int kTaps>
void Resample(int up, int64_t side, int64_t channels) {
  namespace op = dualcontrast::upfirdn2d;
  using Block = op::SeparableBlock<float, N, kUp, kUp ? 1 : 0, kTaps,
                                   kResamplingThreads>;
  const op::Attributes a{{1, 3, 3, 1, 1, 3, 3, 2}, {4, 4}, true, {up, up}, {1, 1}, {2, 1, 2, 1}};
  op::Params p;
  const std::string wrong = op::SetParams({1, side, side, channels}, a, &p);
  op::SetGpuTiles(N, &p);
  const std::vector<float> x = Numbers(side * side * channels);
  Compare("upfirdn2d" + wrong, kResamplingThreads, op::Blocks(p), Block::kPhases,
          op::MidCells(p), int64_t{p.y.out} * p.x.out * channels, [&](float* y) {
            return [&, y](int block, int phase, int thread, float* cells) {
              Block::Run(phase, p, x.data(), y, op::Locate(p, block), {cells}, thread);
            };
          });
}

template <int N>
void Activate(int64_t rows, int64_t channels) {
  namespace op = dualcontrast::bias_act;
  using Block = op::BackwardBlock<float, N, true, kThreads>;
  op::Params p;
  const std::string wrong = op::SetParams({rows, channels}, {channels}, {rows},
                                          {"lrelu", 0.2f, 1, 0.5f, 1}, &p);
  op::SetGpuTiles<float>(&p);
  const std::vector<float> g = Numbers(rows * channels);
  const int64_t parts = p.tiles * channels, chunks = p.chunks.value;
  Compare("bias_act" + wrong, kThreads, op::Blocks(p), Block::kPhases, op::TileCells(p),
          rows * channels + parts + chunks * rows, [&](float* dx) {
            float* over_rows = dx + rows * channels;
            return [&, dx, over_rows](int block, int phase, int thread, float* cells) {
              Block::Run(phase, p, g.data(), g.data(), g.data(), g.data(), dx, over_rows,
                         over_rows + parts, op::Locate(p, block), {cells}, thread);
            };
          });
  const op::SumLaunch launch(rows, channels, kThreads);
  Compare("sums", kThreads, launch.blocks, 1, 0, (rows + 63) / 64 * channels, [&](float* sums) {
    return [&, sums](int block, int, int thread, float*) {
      op::SumBlock<kThreads>::Run(launch, g.data(), sums, block, thread);
    };
  });
}

template <class Block>
void Aggregate(const std::string& name, bool of_values, int lanes, int64_t results) {
  namespace op = dualcontrast::local_aggregation;
  op::Params p;
  const std::string wrong = op::SetParams({2, 5, 9, 3 * 40}, 3, 40, &p);
  op::SetGpuTiles<kThreads>(of_values, lanes, &p);
  const std::vector<float> a = Numbers(2 * 7 * 11 * 9 * 120), b = Numbers(2 * 7 * 11 * 120);
  Compare(name + wrong, kThreads, op::Blocks(p), 1, 0, results, [&](float* result) {
    return [&, result](int block, int, int thread, float*) {
      Block::Run(p, a.data(), b.data(), result, op::Locate(p, block), thread);
    };
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string operation = argc > 1 ? argv[1] : "";
  barriers = argc < 3 || std::strcmp(argv[2], "no_barrier") != 0;
  if (operation == "upfirdn2d") {
    Resample<4, 2, 4>(2, 24, 40);
    Resample<1, 0, 0>(3, 9, 9);
  } else if (operation == "bias_act") {
    Activate<4>(320, 300);
    Activate<1>(70, 131);
  } else {
    namespace op = dualcontrast::local_aggregation;
    Aggregate<op::OutputBlock<float, 2>>("output", false, 2, 2 * 5 * 9 * 120);
    Aggregate<op::WeightsBlock<float, 2>>("weights", false, 2, 2 * 5 * 9 * 9 * 40);
    Aggregate<op::ValuesBlock<float, 1>>("values", true, 1, 2 * 7 * 11 * 120);
  }
}
