// Local aggregation and its derivatives, in double, as loops over all indices: the definition.
#ifndef DUALCONTRAST_TESTS_LOCAL_AGGREGATION_ORACLE_H_
#define DUALCONTRAST_TESTS_LOCAL_AGGREGATION_ORACLE_H_

#include <cstdint>
#include <vector>

namespace emulation {

struct AggregationSizes {
  int64_t batch, height, width, window, maps, groups;

  int64_t Channels() const { return groups * maps; }
  int64_t Weights() const { return batch * height * width * window * window * maps; }
  int64_t Values() const {
    return batch * (height + window - 1) * (width + window - 1) * Channels();
  }
  int64_t Output() const { return batch * height * width * Channels(); }
};

// Calls visit(weight's, value's, output's index) for every term of
// sum g[n, i, j, c] w[n, i, j, s, t, c modulo maps] v[n, i + s, j + t, c].
template <class Visit>
void ForTerms(const AggregationSizes& z, const Visit& visit) {
  const int64_t rows = z.height + z.window - 1, columns = z.width + z.window - 1;
  for (int64_t n = 0; n < z.batch; ++n)
    for (int64_t i = 0; i < z.height; ++i)
      for (int64_t j = 0; j < z.width; ++j)
        for (int64_t s = 0; s < z.window; ++s)
          for (int64_t t = 0; t < z.window; ++t)
            for (int64_t c = 0; c < z.Channels(); ++c) {
              const int64_t pixel = (n * z.height + i) * z.width + j;
              const int64_t tap = (pixel * z.window + s) * z.window + t;
              const int64_t value = (n * rows + i + s) * columns + j + t;
              visit(tap * z.maps + c % z.maps, value * z.Channels() + c, pixel * z.Channels() + c);
            }
}

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_LOCAL_AGGREGATION_ORACLE_H_
