// The sub-commands of the harness.
#ifndef DUALCONTRAST_TESTS_COMMANDS_H_
#define DUALCONTRAST_TESTS_COMMANDS_H_

#include <cstdint>

namespace emulation {

// Each exits with 1 and a line that names the failing call and its seed.
void Upfirdn2dDifferential(int64_t count, uint64_t seed);
void BiasActDifferential(int64_t count, uint64_t seed);
void LocalAggregationDifferential(int64_t count, uint64_t seed);
void Upfirdn2dFuzz(int64_t count, uint64_t seed);
void BiasActFuzz(int64_t count, uint64_t seed);
void LocalAggregationFuzz(int64_t count, uint64_t seed);
void CheckDivisor(int64_t count, uint64_t seed);
void CheckConversions(int64_t count, uint64_t seed);
void CheckLaunches(int64_t, uint64_t);

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_COMMANDS_H_
