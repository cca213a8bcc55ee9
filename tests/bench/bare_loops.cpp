// The least that a probe can cost: each library's own loop and nothing else.
//
//     bare_loops KIND COUNT AT_ONCE ADDRESS PORT [URL [CAFILE]]
//
// KIND: tcp (libuv connect), http and https (libcurl multi, a new connection each;
// unverified without CAFILE), dns (c-ares, A www.picket.test over UDP), icmp (raw
// or datagram socket, one after the other), spawn (posix_spawn of /bin/true), paced
// (http, a start each AT_ONCE milliseconds).
// Prints runs, failures, seconds, CPU seconds.

#include <ares.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct Work {
    long count = 0;
    long at_once = 8;
    std::string address;
    int port = 0;
    std::string url;
    std::string ca_file;
    long sent = 0;
    long done = 0;
    long bad = 0;

    bool due() const { return sent < count && sent - done < at_once; }
};

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

sockaddr_in target(const Work& work) {
    sockaddr_in address{};
    uv_ip4_addr(work.address.c_str(), work.port, &address);
    return address;
}

// ---- libuv ----

struct Connection {
    uv_tcp_t tcp{};
    uv_timer_t timer{};
    uv_connect_t request{};
    int closing = 0;
    Work* work = nullptr;
};

void connect_more(Work& work);

void close_connection(Connection* connection, bool good) {
    if (connection->closing > 0) return;
    connection->closing = 2;
    if (!good) ++connection->work->bad;
    const uv_close_cb closed = [](uv_handle_t* handle) {
        auto* owner = static_cast<Connection*>(handle->data);
        if (--owner->closing > 0) return;
        Work& work = *owner->work;
        delete owner;
        ++work.done;
        connect_more(work);
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&connection->tcp), closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&connection->timer), closed);
}

void connect_more(Work& work) {
    while (work.due()) {
        ++work.sent;
        auto* connection = new Connection;
        connection->work = &work;
        uv_tcp_init(uv_default_loop(), &connection->tcp);
        uv_timer_init(uv_default_loop(), &connection->timer);
        connection->tcp.data = connection->timer.data = connection;
        uv_timer_start(
            &connection->timer,
            [](uv_timer_t* timer) {
                close_connection(static_cast<Connection*>(timer->data), false);
            },
            5000, 0);
        const sockaddr_in address = target(work);
        uv_tcp_connect(
            &connection->request, &connection->tcp, reinterpret_cast<const sockaddr*>(&address),
            [](uv_connect_t* request, int status) {
                close_connection(static_cast<Connection*>(request->handle->data), status == 0);
            });
    }
}

void run_tcp(Work& work) {
    connect_more(work);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

// ---- libcurl ----

std::size_t discard(char*, std::size_t size, std::size_t count, void*) {
    return size * count;
}

CURL* fetch(const Work& work) {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, work.url.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (work.ca_file.empty()) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    } else {
        curl_easy_setopt(easy, CURLOPT_CAINFO, work.ca_file.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    return easy;
}

void perform(CURLM* multi, Work& work) {
    int running = 0;
    int waiting = 0;
    curl_multi_perform(multi, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi, &waiting)) {
        CURL* easy = message->easy_handle;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) ++work.bad;
        ++work.done;
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
    }
}

void run_http(Work& work) {
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM* multi = curl_multi_init();
    while (work.done < work.count) {
        while (work.due()) {
            ++work.sent;
            curl_multi_add_handle(multi, fetch(work));
        }
        perform(multi, work);
        if (work.done < work.count && !work.due())
            curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
    curl_multi_cleanup(multi);
}

void run_paced(Work& work) {
    using std::chrono::ceil, std::chrono::milliseconds, std::chrono::steady_clock;
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM* multi = curl_multi_init();
    auto next = steady_clock::now();
    while (work.done < work.count) {
        if (work.sent < work.count && steady_clock::now() >= next) {
            ++work.sent;
            next += milliseconds(work.at_once);
            curl_multi_add_handle(multi, fetch(work));
        }
        perform(multi, work);
        const auto wait = ceil<milliseconds>(next - steady_clock::now()).count();
        if (work.done < work.count && wait > 0)
            curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait), nullptr);
    }
    curl_multi_cleanup(multi);
}

// ---- c-ares ----

void run_dns(Work& work) {
    ares_library_init(ARES_LIB_INIT_ALL);
    ares_channel channel = nullptr;
    ares_init(&channel);
    const std::string server = work.address + ":" + std::to_string(work.port);
    ares_set_servers_ports_csv(channel, server.c_str());
    while (work.done < work.count) {
        while (work.due()) {
            ++work.sent;
            ares_query(
                channel, "www.picket.test", 1, 1,
                [](void* owner, int status, int, unsigned char*, int) {
                    auto& counted = *static_cast<Work*>(owner);
                    ++counted.done;
                    if (status != ARES_SUCCESS) ++counted.bad;
                },
                &work);
        }
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        const int wanted = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
        pollfd polled[ARES_GETSOCK_MAXNUM];
        nfds_t count = 0;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
            if (!ARES_GETSOCK_READABLE(wanted, i)) continue;
            polled[count++] = {sockets[i], POLLIN, 0};
        }
        poll(polled, count, 1000);
        for (nfds_t i = 0; i < count; ++i) {
            if (polled[i].revents != 0) ares_process_fd(channel, polled[i].fd, ARES_SOCKET_BAD);
        }
    }
    ares_destroy(channel);
}

// ---- icmp ----

std::uint16_t checksum(const unsigned char* bytes, std::size_t size) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < size; i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, bytes + i, sizeof word);
        sum += word;
    }
    sum = (sum >> 16U) + (sum & 0xffffU);
    return static_cast<std::uint16_t>(~(sum + (sum >> 16U)));
}

void run_icmp(Work& work) {
    int opened = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    const bool raw = opened >= 0;
    if (!raw) opened = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    const sockaddr_in address = target(work);
    const auto id = static_cast<std::uint16_t>(getpid());
    while (work.done < work.count) {
        ++work.sent;
        unsigned char request[64]{};
        icmphdr header{};
        header.type = ICMP_ECHO;
        header.un.echo.id = id;
        header.un.echo.sequence = static_cast<std::uint16_t>(work.sent);
        std::memcpy(request, &header, sizeof header);
        header.checksum = checksum(request, sizeof request);
        std::memcpy(request, &header, sizeof header);
        sendto(opened, request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&address),
               sizeof address);
        while (true) {
            pollfd polled{opened, POLLIN, 0};
            unsigned char answer[256];
            if (poll(&polled, 1, 1000) < 1) {
                ++work.bad;
                break;
            }
            const ssize_t length = recv(opened, answer, sizeof answer, 0);
            const std::size_t skip = raw ? (answer[0] & 15U) * 4U : 0U;
            if (length < static_cast<ssize_t>(skip + sizeof header)) continue;
            icmphdr got{};
            std::memcpy(&got, answer + skip, sizeof got);
            if (got.type == ICMP_ECHOREPLY && got.un.echo.sequence == header.un.echo.sequence)
                break;
        }
        ++work.done;
    }
    close(opened);
}

// ---- posix_spawn ----

void run_spawn(Work& work) {
    while (work.done < work.count) {
        ++work.sent;
        char path[] = "/bin/true";
        char* arguments[] = {path, nullptr};
        char* environment[] = {nullptr};
        pid_t child = 0;
        int status = 1;
        if (posix_spawn(&child, path, nullptr, nullptr, arguments, environment) == 0) {
            waitpid(child, &status, 0);
        }
        if (status != 0) ++work.bad;
        ++work.done;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        std::fprintf(stderr, "usage: bare_loops KIND COUNT AT_ONCE ADDRESS PORT [URL [CAFILE]]\n");
        return 2;
    }
    const std::string kind = argv[1];
    Work work;
    work.count = std::atol(argv[2]);
    work.at_once = std::atol(argv[3]);
    work.address = argv[4];
    work.port = std::atoi(argv[5]);
    if (argc > 6) work.url = argv[6];
    if (argc > 7) work.ca_file = argv[7];
    const double cpu = cpu_seconds();
    const auto started = std::chrono::steady_clock::now();
    if (kind == "tcp") run_tcp(work);
    if (kind == "http" || kind == "https") run_http(work);
    if (kind == "paced") run_paced(work);
    if (kind == "dns") run_dns(work);
    if (kind == "icmp") run_icmp(work);
    if (kind == "spawn") run_spawn(work);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    std::printf("%ld %ld %.6f %.6f\n", work.done, work.bad, took.count(), cpu_seconds() - cpu);
    return work.done == 0 ? 2 : 0;
}
