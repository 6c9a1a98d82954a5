// Memory that watches the kernels' bodies: platform.h includes this where DC_CHECKED is defined.
//
// Global memory is a few ranges that a launch declares: reads must lie in a range that may be read,
// writes in one that may be written, and each byte is written once. Shared memory remembers, for
// each cell, who wrote and who read it in which phase: two threads that meet in a cell between two
// barriers are a race whatever order the emulator ran them in.
#ifndef DUALCONTRAST_TESTS_CHECKED_MEMORY_H_
#define DUALCONTRAST_TESTS_CHECKED_MEMORY_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace dualcontrast {
template <class A, int N>
struct Lanes;
}  // namespace dualcontrast

namespace checking {

// What is being run, for the line that a failure prints.
inline std::string context;

[[noreturn]] inline void Fail(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "FAILED %s: %s\n", context.c_str(), what.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

struct Range {
  std::string name;
  uintptr_t begin, size;
  bool readable, writable, counted;
  std::vector<uint8_t> written;  // By byte.
};

// What the bodies may touch now, and who runs.
struct Machine {
  std::vector<Range> ranges;
  bool gpu = false;  // Where an access of several lanes must be aligned.
  int thread = 0, phase = 0;
  int64_t block = 0;  // Counts blocks since the start, so that old records of cells are void.
  const void* shared = nullptr;
  int64_t cells = -1;  // -1: a CPU's, whose bounds the address sanitizer knows.
};
inline Machine machine;

inline Range& Find(const void* address, size_t size, bool write) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (machine.gpu) {
    // Every type of several lanes is aligned to its size or to the widest access, 128 bits.
    const size_t alignment = size < 16 ? size : 16;
    if (at % alignment != 0)
      Fail("misaligned global access of " + std::to_string(size) + " bytes");
  }
  for (Range& range : machine.ranges) {
    const bool allowed = write ? range.writable : range.readable;
    const uintptr_t offset = at - range.begin;
    if (allowed && offset < range.size && size <= range.size - offset) return range;
  }
  std::string near;
  for (const Range& range : machine.ranges)
    near += " " + range.name + "[" + std::to_string(static_cast<int64_t>(at - range.begin)) +
            " of " + std::to_string(range.size) + "]";
  Fail(std::string("global ") + (write ? "write" : "read") + " outside of what the launch may " +
       (write ? "write" : "read") + ":" + near);
}

inline void GlobalRead(const void* address, size_t size) {
  const Range& range = Find(address, size, false);
  if (!range.counted) return;
  // In place: what somebody wrote is not what this reader wants. Of scratch memory, what nobody
  // wrote; `written` starts at 2 where an operand is overwritten, and at 0 for scratch.
  const uintptr_t offset = reinterpret_cast<uintptr_t>(address) - range.begin;
  for (size_t i = 0; i < size; ++i) {
    if (range.written[offset + i] == 0) Fail("uninitialised global read of " + range.name);
    if (range.written[offset + i] == 3) Fail("read of " + range.name + " after it was overwritten");
  }
}

inline void GlobalWrite(const void* address, size_t size) {
  Range& range = Find(address, size, true);
  if (!range.counted) return;
  const uintptr_t offset = reinterpret_cast<uintptr_t>(address) - range.begin;
  for (size_t i = 0; i < size; ++i) {
    uint8_t& written = range.written[offset + i];
    if (written % 2 == 1)
      Fail(range.name + " written twice at byte " + std::to_string(offset + i));
    ++written;
  }
}

// Ends a launch: all that it was to write is written.
inline void RequireAllWritten() {
  for (const Range& range : machine.ranges)
    if (range.writable && range.counted)
      for (size_t i = 0; i < range.size; ++i)
        if (range.written[i] % 2 == 0)
          Fail(range.name + " not written at byte " + std::to_string(i));
}

// What happened to a cell of shared memory.
struct Cell {
  int64_t write_block = -1, read_block = -1;
  int write_phase, writer, read_phase, reader;  // A reader of -1: several threads.
};
inline std::vector<Cell> records;

inline std::string At(int64_t cell) {
  return "shared cell " + std::to_string(cell) + " in phase " + std::to_string(machine.phase);
}

inline Cell& RecordOf(const void* cells, int64_t index) {
  if (machine.cells >= 0) {
    if (cells != machine.shared) Fail("shared memory of another block");
    if (index >= machine.cells) Fail("out of bounds: " + At(index));
  }
  if (index < 0 || index >= int64_t{1} << 26) Fail("out of bounds: " + At(index));
  if (static_cast<size_t>(index) >= records.size()) records.resize(index + 1);
  return records[index];
}

// On a GPU, as in global memory.
inline void RequireAligned(int64_t index, size_t cell, size_t size) {
  const size_t alignment = size < 16 ? size : 16;
  if (machine.gpu && index * cell % alignment != 0) Fail("misaligned access: " + At(index));
}

inline void SharedWrite(const void* cells, int64_t index) {
  Cell& cell = RecordOf(cells, index);
  const auto& now = machine;
  if (cell.write_block == now.block && cell.write_phase == now.phase && cell.writer != now.thread)
    Fail("write/write race: " + At(index));
  if (cell.read_block == now.block && cell.read_phase == now.phase && cell.reader != now.thread)
    Fail("read/write race: " + At(index));
  cell.write_block = now.block;
  cell.write_phase = now.phase;
  cell.writer = now.thread;
}

inline void SharedRead(const void* cells, int64_t index) {
  Cell& cell = RecordOf(cells, index);
  const auto& now = machine;
  if (cell.write_block != now.block) Fail("uninitialised read: " + At(index));
  if (cell.write_phase == now.phase && cell.writer != now.thread)
    Fail("write/read race: " + At(index));
  const bool again = cell.read_block == now.block && cell.read_phase == now.phase;
  cell.reader = again && cell.reader != now.thread ? -1 : now.thread;
  cell.read_block = now.block;
  cell.read_phase = now.phase;
}

// Takes the place of platform.h's.
template <class A>
struct Shared {
  A* cells;

  template <int N>
  dualcontrast::Lanes<A, N> Get(int64_t index) const {
    RequireAligned(index, sizeof(A), N * sizeof(A));
    dualcontrast::Lanes<A, N> lanes;
    for (int i = 0; i < N; ++i) {
      SharedRead(cells, index + i);
      lanes.v[i] = cells[index + i];
    }
    return lanes;
  }

  template <int N>
  void Put(int64_t index, const dualcontrast::Lanes<A, N>& lanes) const {
    RequireAligned(index, sizeof(A), N * sizeof(A));
    for (int i = 0; i < N; ++i) {
      SharedWrite(cells, index + i);
      cells[index + i] = lanes.v[i];
    }
  }
};

}  // namespace checking

#endif  // DUALCONTRAST_TESTS_CHECKED_MEMORY_H_
