// harness COUNT SEED: random convolutions by every form and pass, on an engine of DC_CONV2D_LANES
// floats a vector that any CPU can run, against the definition in double precision.
//
// Operands and results lie in blocks of their exact size, so that a sanitizer sees what is touched
// beside them; scratch memory is exact as well, and starts as no number. Blocks run in order and in
// reverse, one by one and on three threads at once: all must give the same bits.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "conv2d_cpu.h"
#include "conv2d_scratch.h"
#define DC_CONV2D_ENGINE generic
#include "conv2d_passes.h"

namespace {

using namespace dualcontrast::conv2d;

struct Random {
  uint64_t state;
  uint64_t Bits() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int Between(int low, int high) { return low + static_cast<int>(Bits() % (high - low + 1)); }
  float Number() { return static_cast<float>(static_cast<int32_t>(Bits())) * 0x1p-31f; }
};

struct Block {
  explicit Block(int64_t count) : count(count), data(new float[count]) {
    std::memset(data.get(), 0xff, count * sizeof(float));
  }
  Block(int64_t count, Random* random) : Block(count) {
    for (int64_t i = 0; i < count; ++i) data[i] = random->Number();
  }
  int64_t count;
  std::unique_ptr<float[]> data;
};

const char* const kForms[] = {"direct", "winograd2", "winograd4"};
const char* const kPasses[] = {"output", "input", "kernel"};

// Calls add(index of x, index of the kernel, index of y) for every product of the definition.
template <class Add>
void ForProducts(const Params& p, const Add& add) {
  const int pad = p.stride == 1 ? p.taps / 2 : 0;
  for (int64_t n = 0; n < p.batch; ++n)
    for (int i = 0; i < p.out_height; ++i)
      for (int j = 0; j < p.out_width; ++j)
        for (int s = 0; s < p.taps; ++s)
          for (int t = 0; t < p.taps; ++t) {
            const int row = i * p.stride + s - pad, column = j * p.stride + t - pad;
            if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
            for (int c = 0; c < p.channels; ++c)
              for (int f = 0; f < p.filters; ++f)
                add(((n * p.height + row) * p.width + column) * p.channels + c,
                    (int64_t{s * p.taps + t} * p.channels + c) * p.filters + f,
                    ((n * p.out_height + i) * p.out_width + j) * p.filters + f);
          }
}

void InReverse(int64_t blocks, int64_t, const std::function<void(int64_t, int64_t)>& make) {
  for (int64_t block = blocks; block-- > 0;) make(block, block + 1);
}

void AtOnce(int64_t blocks, int64_t, const std::function<void(int64_t, int64_t)>& make) {
  make(0, blocks);
}

void OnThreads(int64_t blocks, int64_t, const std::function<void(int64_t, int64_t)>& make) {
  std::vector<std::thread> threads;
  for (int64_t third = 0; third < 3; ++third)
    threads.emplace_back([=, &make] { make(blocks * third / 3, blocks * (third + 1) / 3); });
  for (std::thread& thread : threads) thread.join();
}

[[noreturn]] void Fail(const std::string& context, const std::string& what) {
  std::fprintf(stderr, "FAILED %s: %s\n", context.c_str(), what.c_str());
  std::exit(1);
}

void Check(const Params& p, Pass pass, Random* random, const std::string& context) {
  const int64_t of_x = p.batch * p.height * p.width * p.channels;
  const int64_t of_kernel = int64_t{p.taps} * p.taps * p.channels * p.filters;
  const int64_t of_y = p.batch * p.out_height * p.out_width * p.filters;
  const Block x(of_x, random), kernel(of_kernel, random), y(of_y, random);
  const Block& first = pass == kInput ? kernel : x;
  const Block& second = pass == kOutput ? kernel : y;
  const int64_t count = pass == kOutput ? of_y : pass == kInput ? of_x : of_kernel;
  std::vector<double> exact(count);
  ForProducts(p, [&](int64_t a, int64_t b, int64_t c) {
    if (pass == kOutput) exact[c] += double{x.data[a]} * kernel.data[b];
    if (pass == kInput) exact[a] += double{kernel.data[b]} * y.data[c];
    if (pass == kKernel) exact[b] += double{x.data[a]} * y.data[c];
  });
  double scale = 1;
  for (const double value : exact) scale = std::fmax(scale, std::fabs(value));
  const Block result(count), again(count), threaded(count);
  const auto run = [&](const Parallel& parallel, const Block& to) {
    const std::string wrong = generic::RunForm(pass, p, first.data.get(), second.data.get(),
                                               to.data.get(), parallel);
    if (!wrong.empty()) Fail(context, wrong);
  };
  run(AtOnce, result);
  for (int64_t i = 0; i < count; ++i)
    if (!(std::fabs(result.data[i] - exact[i]) <= 1e-4 * scale))
      Fail(context, "element " + std::to_string(i) + " is " + std::to_string(result.data[i]) +
                        ", expected " + std::to_string(exact[i]));
  run(InReverse, again);
  run(OnThreads, threaded);
  for (const Block* other : {&again, &threaded})
    if (std::memcmp(result.data.get(), other->data.get(), count * sizeof(float)) != 0)
      Fail(context, "the order of the blocks changes the result");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  int64_t checks = 0;
  for (int64_t i = 0; i < std::atoll(argv[1]); ++i) {
    Random random{seed + i};
    const int taps = random.Between(0, 4) ? 3 : 1, stride = taps == 3 ? random.Between(1, 2) : 1;
    // Now and then so many tiles or channels that there are several blocks.
    const int most = random.Between(0, 5) ? 14 : 40, channels = random.Between(0, 5) ? 20 : 80;
    Params p;
    SetParams({random.Between(0, 3), random.Between(1, most), random.Between(1, most),
               random.Between(1, channels)},
              taps, random.Between(1, channels), stride, &p);
    for (const Form form : {kDirect, kWinograd2, kWinograd4}) {
      Form found;
      if (!WrongAttributes({stride, kForms[form]}, taps, &found).empty()) continue;
      p.form = found;
      for (const Pass pass : {kOutput, kInput, kKernel}) {
        const std::vector<int64_t> sides = {p.batch, p.height, p.width, p.channels, p.filters};
        std::string context = "seed " + std::to_string(seed + i) + " " + kForms[form] + " " +
                              kPasses[pass] + " stride " + std::to_string(stride) + " taps " +
                              std::to_string(taps) + " of";
        for (const int64_t side : sides) context += " " + std::to_string(side);
        Check(p, pass, &random, context);
        ++checks;
      }
    }
  }
  std::printf("conv2d: %lld checks\n", static_cast<long long>(checks));
}
