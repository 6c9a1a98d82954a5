// Memory that a pass needs while it runs, kept between passes: fresh pages cost as much as they
// are used for.
#ifndef DUALCONTRAST_KERNELS_CONV2D_SCRATCH_H_
#define DUALCONTRAST_KERNELS_CONV2D_SCRATCH_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

namespace dualcontrast {
namespace conv2d {

// A lease of so many floats, aligned to 64 bytes, their values undefined. data() is null where
// there is no memory.
class Scratch {
 public:
  explicit Scratch(int64_t floats) : held_(Take(floats)) {}
  ~Scratch() {
    if (held_.data) Return(held_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* data() const { return held_.data; }

 private:
  struct Held {
    float* data;
    int64_t floats;
  };
  struct Idle {
    std::mutex mutex;
    std::vector<Held> buffers;
  };

  static Idle& TheIdle() {
    static Idle* const idle = new Idle;  // Threads may outlive what a process destroys.
    return *idle;
  }

#if defined(DC_CHECKED)
  // Of the exact size, for sanitizers; fresh memory is no number.
  static Held Take(int64_t floats) {
    const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + 63) / 64 * 64;
    float* const data = static_cast<float*>(std::aligned_alloc(64, std::max<size_t>(bytes, 64)));
    std::memset(data, 0xff, bytes);
    return {data, floats};
  }
  static void Return(Held held) { std::free(held.data); }
#else
  // The smallest idle buffer that suffices; else a new one in place of the largest, so that there
  // are never more than were in use at once.
  static Held Take(int64_t floats) {
    Held found{nullptr, 0};
    {
      Idle& idle = TheIdle();
      const std::lock_guard<std::mutex> lock(idle.mutex);
      auto& all = idle.buffers;  // Smallest first.
      auto at = std::find_if(all.begin(), all.end(), [&](Held h) { return h.floats >= floats; });
      if (at == all.end() && !all.empty()) at = all.end() - 1;
      if (at != all.end()) {
        found = *at;
        all.erase(at);
      }
    }
    if (found.floats >= floats && found.data) return found;
    std::free(found.data);
    constexpr size_t kPage = 2 << 20;  // Large pages: planes are far apart, and read together.
    const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
    const size_t align = bytes < kPage ? 64 : kPage;
    const size_t whole = (std::max<size_t>(bytes, 64) + align - 1) / align * align;
    float* const data = static_cast<float*>(std::aligned_alloc(align, whole));
    if (data && align == kPage) madvise(data, whole, MADV_HUGEPAGE);
    return {data, data ? static_cast<int64_t>(whole / sizeof(float)) : 0};
  }
  static void Return(Held held) {
    Idle& idle = TheIdle();
    const std::lock_guard<std::mutex> lock(idle.mutex);
    auto& all = idle.buffers;
    all.insert(std::find_if(all.begin(), all.end(),
                            [&](Held h) { return h.floats >= held.floats; }),
               held);
  }
#endif

  Held held_;
};

}  // namespace conv2d
}  // namespace dualcontrast

#endif  // DUALCONTRAST_KERNELS_CONV2D_SCRATCH_H_
