// The CUDA kernels without TensorFlow. Prints one line of JSON.
//
//   harness device                            the GPU; exit code 3 where there is none
//   harness check OPERATION SEED CASES        random cases against the CPU; exit code 1: wrong
//   harness time COMMAND NUMBERS... TYPE      seconds of one launch
#include "harness.h"

namespace dualcontrast {
namespace gpu_check {
namespace {

int Device() {
  cudaDeviceProp device;
  int runtime = 0, driver = 0;
  Require(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  Require(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  Require(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  std::printf(
      "{\"name\": \"%s\", \"capability\": \"%d.%d\", \"multiprocessors\": %d, "
      "\"runtime\": %d, \"driver\": %d}\n",
      device.name, device.major, device.minor, device.multiProcessorCount, runtime, driver);
  return 0;
}

int Check(const std::string& operation, uint64_t seed, int64_t cases) {
  const auto check = operation == "upfirdn2d"  ? CheckUpfirdn2d
                     : operation == "bias_act" ? CheckBiasAct
                                               : CheckLocalAggregation;
  Random random(seed);
  Outcome outcome;
  for (int64_t i = 0; i < cases; ++i)
    check(&random, random.OneOf<const char*>({"float32", "float16", "bfloat16"}), &outcome);
  std::printf("{\"cases\": %lld, \"comparisons\": %lld, \"same_bits\": %lld, ",
              static_cast<long long>(cases), static_cast<long long>(outcome.cases),
              static_cast<long long>(outcome.exact));
  std::printf("\"largest_share_of_bound\": %.3g, \"failures\": [", outcome.largest);
  for (size_t i = 0; i < outcome.failures.size(); ++i)
    std::printf("%s\"%s\"", i ? ", " : "", outcome.failures[i].c_str());
  std::printf("]}\n");
  return outcome.failures.empty() ? 0 : 1;
}

int Time(const std::string& command, const std::vector<int64_t>& numbers,
         const std::string& type) {
  const double seconds = command == "upfirdn2d"  ? TimeUpfirdn2d(numbers, type)
                         : command == "bias_act" ? TimeBiasAct(false, numbers, type)
                         : command == "bias_act_backward"
                             ? TimeBiasAct(true, numbers, type)
                             : TimeLocalAggregation(command, numbers, type);
  std::printf("{\"seconds\": %.9g}\n", seconds);
  return 0;
}

int Main(const std::vector<std::string>& words) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "no GPU: %s\n", cudaGetErrorString(error));
    return 3;
  }
  if (words.size() == 1 && words[0] == "device") return Device();
  if (words.size() == 4 && words[0] == "check")
    return Check(words[1], std::stoull(words[2]), std::stoll(words[3]));
  if (words.size() > 4 && words[0] == "time") {
    std::vector<int64_t> numbers;
    for (size_t i = 2; i + 1 < words.size(); ++i) numbers.push_back(std::stoll(words[i]));
    return Time(words[1], numbers, words.back());
  }
  Require("usage: see the first lines of main.cc");
  return 4;
}

}  // namespace
}  // namespace gpu_check
}  // namespace dualcontrast

int main(int argc, char** argv) {
  return dualcontrast::gpu_check::Main(std::vector<std::string>(argv + 1, argv + argc));
}
