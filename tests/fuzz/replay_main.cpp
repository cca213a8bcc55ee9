// Runs a fuzz target over every file of the directories given: the corpus as a
// test, without a fuzzer. A failing input stops the program, its name just above.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> inputs;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (entry.is_regular_file()) inputs.push_back(entry.path());
        }
    }
    for (const std::filesystem::path& input : inputs) {
        std::fprintf(stderr, "  %s\n", input.c_str());
        std::ifstream file(input, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    // An empty corpus is a failure: it would promise what it does not test.
    std::printf("[doctest] test cases: %zu | %zu passed | %d failed | 0 skipped\n",
                inputs.size() + (inputs.empty() ? 1 : 0), inputs.size(), inputs.empty() ? 1 : 0);
    return inputs.empty() ? 1 : 0;
}
