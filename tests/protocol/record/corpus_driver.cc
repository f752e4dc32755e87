// Runs a fuzz target over files, without a fuzzer: every seed as it is, cut short, and with each
// byte changed a little. Arguments: folders or files.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Seed = std::vector<std::uint8_t>;

// Larger seeds are run as they are only: changing each of their bytes takes too long for a test.
constexpr std::size_t kMaxVariedBytes = 8192;

Seed read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::size_t run_variations(const Seed& seed) {
  LLVMFuzzerTestOneInput(seed.data(), seed.size());
  if (seed.size() > kMaxVariedBytes) return 1;
  std::size_t runs = 1;
  for (std::size_t i = 0; i < seed.size(); ++i) {
    // An allocation of exactly that size, so that a sanitizer sees a read past the end.
    const Seed shorter(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(i));
    LLVMFuzzerTestOneInput(shorter.data(), shorter.size());
    Seed changed = seed;
    for (const int change : {0x01, 0x80, 0xff}) {
      changed[i] = static_cast<std::uint8_t>(seed[i] ^ change);
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
    }
    runs += 4;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t seeds = 0;
  std::size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        files.push_back(entry.path());
      }
    } else {
      files.emplace_back(argv[i]);
    }
    for (const auto& file : files) {
      runs += run_variations(read_file(file));
      ++seeds;
    }
  }
  std::printf("FUZZSEEDS seeds=%zu runs=%zu\n", seeds, runs);
  return seeds == 0 ? 1 : 0;  // a test without seeds shows nothing
}
