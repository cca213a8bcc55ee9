// picket-helper: what picketd has done in a process that may hang or be killed.
//
//   picket-helper run [user=NAME] [memory=BYTES] [cpu=SECONDS] [processes=N]
//                     [files=N] [file_size=BYTES] -- PROGRAM ARGUMENT...
//   picket-helper disk PATH
//   picket-helper files PATTERN
//   picket-helper processes [name=NAME] [user=NAME] [pidfile=PATH]
//
// A look at a file system can wait for ever, in the kernel, for a server that is
// gone, and so can one at a process's command line; user names may be asked of a
// network too. The agent has one thread and asks none of these itself.
//
// What was found is printed as lines of a word and its value, read by
// checks/host_figures. "errno N" in their place is the error that stood in the way.
// `run` becomes PROGRAM; where it cannot, it prints why and exits with 3, which is
// "unknown" to whoever waits for a plugin.
//
// It uses the C library alone: starting it must cost next to nothing.

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int exit_usage = 64;
constexpr int exit_unknown = 3;
constexpr std::size_t command_line_bytes_max = 4096;

[[noreturn]] void give_up(const std::string& what, int error_number) {
    std::string reason = std::strerror(error_number);
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
    std::printf("%s: %s\n", what.c_str(), reason.c_str());
    std::exit(exit_unknown);
}

int found_errno(int error_number) {
    std::printf("errno %d\n", error_number);
    return 0;
}

// ---- run -----------------------------------------------------------------------------------

struct ResourceName {
    std::string_view name;
    int resource;
};
constexpr std::array<ResourceName, 5> resources{{{"memory", RLIMIT_AS},
                                                 {"cpu", RLIMIT_CPU},
                                                 {"processes", RLIMIT_NPROC},
                                                 {"files", RLIMIT_NOFILE},
                                                 {"file_size", RLIMIT_FSIZE}}};

struct Limit {
    const ResourceName* resource = nullptr;
    std::string value;
};

const ResourceName* find_resource(std::string_view name) {
    const auto* found = std::find_if(resources.begin(), resources.end(),
                                     [&](const ResourceName& r) { return r.name == name; });
    return found == resources.end() ? nullptr : found;
}

void set_limit(const Limit& limit) {
    const rlim_t most = std::strtoull(limit.value.c_str(), nullptr, 10);
    const rlimit both{most, most};
    if (setrlimit(static_cast<__rlimit_resource>(limit.resource->resource), &both) == 0) return;
    give_up("limit " + std::string(limit.resource->name) + " to " + limit.value, errno);
}

const passwd* find_user(const std::string& user) {
    errno = 0;
    const passwd* entry = getpwnam(user.c_str());
    if (entry != nullptr) return entry;
    if (errno != 0) give_up("look up user " + user, errno);
    std::printf("there is no user %s\n", user.c_str());
    std::exit(exit_unknown);
}

// Groups first, then the user: afterwards neither may be changed any more.
void become(const std::string& user) {
    const passwd* entry = find_user(user);
    const bool already = geteuid() == entry->pw_uid && getegid() == entry->pw_gid;
    if (already && geteuid() != 0) return;
    if (initgroups(entry->pw_name, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0) {
        give_up("run as user " + user + " (the agent needs CAP_SETUID and CAP_SETGID)", errno);
    }
}

int run(int argc, char** argv) {
    std::string user;
    std::vector<Limit> limits;
    int at = 2;
    for (; at < argc && std::string_view(argv[at]) != "--"; ++at) {
        const std::string_view word = argv[at];
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) return exit_usage;
        const std::string_view name = word.substr(0, equals);
        const std::string value(word.substr(equals + 1));
        if (name == "user") {
            user = value;
        } else if (const ResourceName* resource = find_resource(name)) {
            limits.push_back({resource, value});
        } else {
            return exit_usage;
        }
    }
    if (at + 1 >= argc) return exit_usage;
    if (!user.empty()) become(user);
    // Last: looking a user up takes memory and files.
    for (const Limit& limit : limits) set_limit(limit);
    const char* program = argv[at + 1];
    execv(program, argv + at + 1);
    const int error_number = errno;
    const bool interpreter = error_number == ENOENT && access(program, F_OK) == 0;
    give_up("run " + std::string(program) + (interpreter ? ": its interpreter" : ""), error_number);
}

// ---- disk ----------------------------------------------------------------------------------

void print(const char* name, unsigned long long value) {
    std::printf("%s %llu\n", name, value);
}

int disk(const std::string& path) {
    struct statvfs figures {};
    struct stat here {};
    struct stat above {};
    if (statvfs(path.c_str(), &figures) != 0 || stat(path.c_str(), &here) != 0) {
        return found_errno(errno);
    }
    const bool directory = S_ISDIR(here.st_mode);
    const bool known = directory && stat((path + "/..").c_str(), &above) == 0;
    // The root of a tree is its own parent.
    const bool mounted = known && (here.st_dev != above.st_dev || here.st_ino == above.st_ino);
    print("size", static_cast<unsigned long long>(figures.f_blocks) * figures.f_frsize);
    print("free", static_cast<unsigned long long>(figures.f_bfree) * figures.f_frsize);
    print("available", static_cast<unsigned long long>(figures.f_bavail) * figures.f_frsize);
    print("inodes", figures.f_files);
    print("inodes_free", figures.f_favail);
    print("read_only", (figures.f_flag & ST_RDONLY) != 0 ? 1 : 0);
    print("mounted", mounted ? 1 : 0);
    return 0;
}

// ---- files ---------------------------------------------------------------------------------

struct Extreme {
    std::string path;
    long long value = 0;
};

struct Files {
    unsigned long long count = 0;
    unsigned long long bytes = 0;
    Extreme newest, oldest, largest, smallest;

    void add(const std::string& path, const struct stat& file) {
        const bool first = count++ == 0;
        const long long time = file.st_mtim.tv_sec * 1000LL + file.st_mtim.tv_nsec / 1'000'000;
        const long long size = file.st_size;
        bytes += static_cast<unsigned long long>(size);
        if (first || time > newest.value) newest = {path, time};
        if (first || time < oldest.value) oldest = {path, time};
        if (first || size > largest.value) largest = {path, size};
        if (first || size < smallest.value) smallest = {path, size};
    }
};

void print(const char* name, const Extreme& extreme) {
    std::string path = extreme.path;
    std::replace(path.begin(), path.end(), '\n', '?');
    std::printf("%s %lld %s\n", name, extreme.value, path.c_str());
}

int glob_errno = 0;

int files(const std::string& pattern) {
    Files found;
    const bool several = pattern.find_first_of("*?[") != std::string::npos;
    glob_t matches{};
    const int result = glob(
        pattern.c_str(), GLOB_NOSORT | (several ? 0 : GLOB_NOCHECK | GLOB_NOESCAPE),
        [](const char*, int error_number) {
            // What is not there, or is no directory, merely does not match.
            if (error_number != ENOENT && error_number != ENOTDIR) glob_errno = error_number;
            return 0;
        },
        &matches);
    if (result != 0 && result != GLOB_NOMATCH) return found_errno(ENOMEM);
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) {
        struct stat file {};
        if (stat(matches.gl_pathv[i], &file) == 0) {
            found.add(matches.gl_pathv[i], file);
        } else if (errno != ENOENT && errno != ENOTDIR) {
            glob_errno = errno;
        }
    }
    globfree(&matches);
    // What may not be looked at might be what is asked for.
    if (glob_errno != 0) return found_errno(glob_errno);
    print("count", found.count);
    if (found.count == 0) return 0;
    print("bytes", found.bytes);
    print("newest", found.newest);
    print("oldest", found.oldest);
    print("largest", found.largest);
    print("smallest", found.smallest);
    return 0;
}

// ---- processes -----------------------------------------------------------------------------

// A file of /proc has no size before it is read.
std::string read_proc(const std::string& path) {
    std::string text(command_line_bytes_max, '\0');
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    const ssize_t length = read(fd, text.data(), text.size());
    close(fd);
    text.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return text;
}

std::string on_one_line(std::string text) {
    while (!text.empty() && text.back() == '\0') text.pop_back();
    for (char& c : text) {
        if (c == '\0') c = ' ';
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return text;
}

// The kernel keeps 15 bytes of a name; a longer one is that of the program that runs.
bool has_name(const std::string& wanted, const std::string& name, const std::string& command) {
    if (wanted.empty() || wanted == name) return true;
    const std::string program(command.c_str());  // Up to its first NUL.
    return program.substr(program.rfind('/') + 1) == wanted;
}

struct Wanted {
    std::string name;
    bool of_user = false;
    uid_t user = 0;
};

void print_process(const std::string& pid, const Wanted& wanted, double uptime) {
    const std::string directory = "/proc/" + pid;
    struct stat owner {};
    const std::string text = read_proc(directory + "/stat");
    // The name stands in brackets and may hold brackets and blanks itself.
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return;
    if (stat(directory.c_str(), &owner) != 0) return;
    if (wanted.of_user && owner.st_uid != wanted.user) return;
    const std::string name = text.substr(open + 1, close - open - 1);
    char state = '?';
    unsigned long long start = 0;
    long rss = 0;
    // proc(5): state 3, starttime 22, rss 24.
    const int read = std::sscanf(
        text.c_str() + close + 1,
        " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %*u %ld",
        &state, &start, &rss);
    if (read != 3) return;
    const std::string command = read_proc(directory + "/cmdline");
    if (!has_name(wanted.name, name, command)) return;
    const double age =
        uptime - static_cast<double>(start) / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::printf("%s %.2f %llu %c %s\t%s\n", pid.c_str(), std::max(age, 0.0),
                static_cast<unsigned long long>(rss) *
                    static_cast<unsigned long long>(sysconf(_SC_PAGESIZE)),
                state, on_one_line(name).c_str(), on_one_line(command).c_str());
}

// The number that stands first in the file, "0" where none does: no process has it.
bool read_pidfile(const std::string& path, std::string& pid) {
    std::array<char, 32> text{};
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const ssize_t length = read(fd, text.data(), text.size() - 1);
    const int error_number = errno;
    close(fd);
    errno = error_number;
    if (length < 0) return false;
    pid = std::to_string(std::strtoul(text.data(), nullptr, 10));
    return true;
}

int processes(int argc, char** argv) {
    Wanted wanted;
    std::string only;
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const std::string value = word.substr(std::min(word.find('=') + 1, word.size()));
        if (word.rfind("name=", 0) == 0) wanted.name = value;
        if (word.rfind("pidfile=", 0) == 0 && !read_pidfile(value, only)) return found_errno(errno);
        if (word.rfind("user=", 0) == 0) {
            wanted.of_user = true;
            wanted.user = find_user(value)->pw_uid;
        }
    }
    const double uptime = std::strtod(read_proc("/proc/uptime").c_str(), nullptr);
    if (!only.empty()) {
        print_process(only, wanted, uptime);
        return 0;
    }
    DIR* directory = opendir("/proc");
    if (directory == nullptr) return found_errno(errno);
    const std::string self = std::to_string(getpid());
    while (const dirent* entry = readdir(directory)) {
        const std::string pid = entry->d_name;
        const bool number = pid.find_first_not_of("0123456789") == std::string::npos;
        if (number && pid != self) print_process(pid, wanted, uptime);
    }
    closedir(directory);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "run") return run(argc, argv);
    if (what == "disk" && argc == 3) return disk(argv[2]);
    if (what == "files" && argc == 3) return files(argv[2]);
    if (what == "processes") return processes(argc, argv);
    std::fputs("picket-helper is for picketd to run\n", stderr);
    return exit_usage;
}
