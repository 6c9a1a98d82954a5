// harness COMMAND COUNT SEED: exits with 0, or with 1 and a line that says what failed and with
// which seed; COUNT 1 and that seed repeat the call.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "commands.h"

namespace {

struct Command {
  const char* name;
  void (*run)(int64_t count, uint64_t seed);
};

// A mutant needs the check that it is to fail alone.
const Command kCommands[] = {
#if defined(DC_ONE_CHECK)
    {"check", emulation::DC_ONE_CHECK},
#else
    {"upfirdn2d", emulation::Upfirdn2dDifferential},
    {"bias_act", emulation::BiasActDifferential},
    {"local_aggregation", emulation::LocalAggregationDifferential},
#if !defined(DC_CALLS_ONLY)
    {"fuzz_upfirdn2d", emulation::Upfirdn2dFuzz},
    {"fuzz_bias_act", emulation::BiasActFuzz},
    {"fuzz_local_aggregation", emulation::LocalAggregationFuzz},
    {"divisor", emulation::CheckDivisor},
    {"conversions", emulation::CheckConversions},
    {"launches", emulation::CheckLaunches},
#endif
#endif
};

}  // namespace

int main(int argc, char** argv) {
  for (const Command& command : kCommands)
    if (argc == 4 && std::strcmp(argv[1], command.name) == 0) {
      command.run(std::atoll(argv[2]), std::strtoull(argv[3], nullptr, 10));
      return 0;
    }
  std::fprintf(stderr, "usage: %s COMMAND COUNT SEED, where COMMAND is one of", argv[0]);
  for (const Command& command : kCommands) std::fprintf(stderr, " %s", command.name);
  std::fprintf(stderr, "\n");
  return 2;
}
