// What all sub-commands share: the types that they go through, and the line that they print.
#ifndef DUALCONTRAST_TESTS_HARNESS_H_
#define DUALCONTRAST_TESTS_HARNESS_H_

#include <cinttypes>
#include <cstdio>
#include <string>

#include "commands.h"
#include "emulation.h"

namespace emulation {

// Mutants are compiled for one type, to be killed soon.
#if defined(DC_ONE_TYPE)
constexpr bool kAllThreads = false;
template <class Check>
void ForTypes(const std::string& name, const Check& check) {
  checking::context = name + " " + Number<DC_ONE_TYPE>::kName;
  check(DC_ONE_TYPE());
}
#else
constexpr bool kAllThreads = true;
// Calls check(a value of the type) for every type.
template <class Check>
void ForTypes(const std::string& name, const Check& check) {
  const auto one = [&](auto type) {
    checking::context = name + " " + Number<decltype(type)>::kName;
    check(type);
  };
  one(float());
  one(double());
  one(Half());
  one(BFloat16());
}
#endif

inline void Report(const char* op, int64_t count, const Digest& digest) {
  std::printf("%s: %" PRId64 " calls, digest %016" PRIx64 "\n", op, count, digest.Value());
}

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_HARNESS_H_
