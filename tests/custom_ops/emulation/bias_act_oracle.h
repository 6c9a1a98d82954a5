// Bias, noise and activation, and derivatives of any order, in double: the definition.
#ifndef DUALCONTRAST_TESTS_BIAS_ACT_ORACLE_H_
#define DUALCONTRAST_TESTS_BIAS_ACT_ORACLE_H_

#include <cmath>
#include <complex>
#include <string>

namespace emulation {

using Complex = std::complex<double>;

// The smooth activations, at a complex number.
inline Complex SmoothActivation(const std::string& name, Complex z) {
  if (name == "tanh") return std::tanh(z);
  const Complex sigmoid = 1.0 / (1.0 + std::exp(-z));
  return name == "swish" ? z * sigmoid : sigmoid;
}

// The derivative of some order, by Cauchy's integral along a circle: it shares nothing with the
// polynomials of the kernels. tanh has its nearest pole at pi / 2 from the real axis.
inline double SmoothDerivative(const std::string& name, int order, double x) {
  if (order == 0) return SmoothActivation(name, x).real();
  constexpr int kPoints = 64;
  constexpr double kRadius = 0.7;
  // The lower half of the circle is the upper half's mirror image.
  double sum = 0;
  for (int k = 0; k <= kPoints / 2; ++k) {
    const double angle = 2 * M_PI * k / kPoints;
    const Complex value = SmoothActivation(name, x + std::polar(kRadius, angle));
    const double both = (value * std::polar(1.0, -order * angle)).real();
    sum += k % (kPoints / 2) == 0 ? both : 2 * both;
  }
  return std::tgamma(order + 1) * std::pow(kRadius, -order) * sum / kPoints;
}

// The derivative of some order of any activation, at x.
inline double ActivationOracle(const std::string& name, double slope, int order, double x) {
  if (name == "sigmoid" || name == "tanh" || name == "swish")
    return SmoothDerivative(name, order, x);
  const double below = name == "linear" ? 1 : name == "relu" ? 0 : slope;
  const double factor = x > 0 ? 1 : below;
  return order == 0 ? factor * x : factor;
}

}  // namespace emulation

#endif  // DUALCONTRAST_TESTS_BIAS_ACT_ORACLE_H_
