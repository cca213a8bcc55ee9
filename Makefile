# picket's build. `make help` lists the targets; everything is built under build/<profile>/.

PROFILE ?= release
BUILD := build/$(PROFILE)
CXX ?= g++
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY ?= clang-tidy-14
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# ---- Flags -----------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast \
    -Wcast-align=strict -Wcast-qual -Wnon-virtual-dtor -Woverloaded-virtual -Wduplicated-cond \
    -Wduplicated-branches -Wlogical-op -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wextra-semi \
    -Wredundant-decls -Wmissing-declarations -Wimplicit-fallthrough=5
# Warnings stop the build here and in CI; packagers build with WERROR= .
WERROR ?= -Werror

# toml++ without exceptions is header-only; spdlog is the distribution's compiled library.
DEFINES := -DTOML_EXCEPTIONS=0 -DSPDLOG_COMPILED_LIB -DSPDLOG_SHARED_LIB -DSPDLOG_FMT_EXTERNAL \
    -DMSGPACK_NO_BOOST

HARDENING := -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong \
    -fstack-clash-protection -fcf-protection -fPIE
# _GLIBCXX_DEBUG would change the layout of types that the distribution's libraries share with us.
SANITIZE := -fno-omit-frame-pointer -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS

CXXFLAGS_release := -O2 -g $(HARDENING)
CXXFLAGS_asan := -O0 -g1 -fsanitize=address,undefined $(SANITIZE)
CXXFLAGS_tsan := -O1 -g -fsanitize=thread $(SANITIZE)
CXXFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
CXXFLAGS_coverage := -O0 -g --coverage
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
LDFLAGS_coverage := --coverage

CXXFLAGS_ALL = -std=c++20 -I. $(DEFINES) $(WARNINGS) $(WERROR) $(CXXFLAGS_$(PROFILE)) $(CXXFLAGS)
LDFLAGS_ALL = $(LDFLAGS_$(PROFILE)) -Wl,--as-needed -fuse-ld=gold $(LDFLAGS)

# --as-needed drops what a program does not use, so that the CLI loads three libraries, not forty.
# The client libraries of databases, each in a part that is loaded where it is needed.
DATABASES := mysql postgres
DATABASE_CXXFLAGS := -isystem /usr/include/mariadb -isystem /usr/include/postgresql
DATABASE_LIBRARY_mysql := -lmariadb
DATABASE_LIBRARY_postgres := -lpq

LIBRARIES := -luv -lcurl -lcares -lre2 -lsqlite3 -lmicrohttpd -lsystemd -lspdlog -lfmt -lssl \
    -lcrypto -lpthread

# ---- Sources ---------------------------------------------------------------------------------

MAINS := agent/picketd.cpp agent/picket.cpp
HELPER_SOURCE := agent/picket_helper.cpp
CLI_FMT_SOURCE := agent/picket_fmt.cpp
DATABASE_SOURCES := $(wildcard checks/databases/*.cpp)
SOURCES := $(filter-out $(MAINS) $(HELPER_SOURCE) $(CLI_FMT_SOURCE) $(DATABASE_SOURCES),$(sort $(wildcard agent/*.cpp agent/*/*.cpp checks/*.cpp \
    checks/*/*.cpp gossip/*.cpp gossip/*/*.cpp storage/*.cpp)))
# Programs that tests start; the rest of tests/support is linked into the tests.
TEST_PROGRAM_SOURCES := tests/support/storage_writer.cpp
SUPPORT_SOURCES := $(filter-out $(TEST_PROGRAM_SOURCES),$(sort $(wildcard tests/support/*.cpp)))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.cpp tests/unit/*/*.cpp tests/unit/*/*/*.cpp))
INTEGRATION_SOURCES := $(sort $(wildcard tests/integration/*.cpp))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.cpp))
SIM_SOURCES := $(sort $(wildcard tests/sim/*.cpp))
ALL_FILES := $(sort $(wildcard agent/*.[hc]* agent/*/*.[hc]* checks/*.[hc]* checks/*/*.[hc]* \
    gossip/*.[hc]* gossip/*/*.[hc]* storage/*.[hc]* tests/*/*.[hc]* tests/*/*/*.[hc]* \
    tests/*/*/*/*.[hc]*))
ALL_FILES := $(filter %.h %.cpp,$(ALL_FILES))

objects = $(patsubst %.cpp,$(BUILD)/obj/%.o,$(1))
LIBRARY := $(BUILD)/libpicket.a
PROGRAMS := $(patsubst agent/%.cpp,$(BUILD)/%,$(wildcard $(MAINS)))
# What picketd runs or loads; installed to /usr/lib/picket.
PARTS := $(BUILD)/picket-helper $(DATABASES:%=$(BUILD)/picket-%.so)

-include $(patsubst %.o,%.d,$(call objects,$(SOURCES) $(HELPER_SOURCE) $(CLI_FMT_SOURCE) $(DATABASE_SOURCES) $(wildcard $(MAINS)) $(SUPPORT_SOURCES) \
    $(TEST_PROGRAM_SOURCES) $(UNIT_SOURCES) $(SIM_SOURCES) $(INTEGRATION_SOURCES) \
    $(FUZZ_SOURCES) tests/fuzz/replay_main.cpp))

# See tests/support/precompiled.h; of plugins, which are compiled in another way, there are few.
ifeq ($(PROFILE),asan)
PRECOMPILED := $(BUILD)/precompiled.h.gch $(BUILD)/precompiled_tests.h.gch
PRECOMPILED_FLAGS := -include $(BUILD)/precompiled.h
$(call objects,$(UNIT_SOURCES) $(INTEGRATION_SOURCES) $(SIM_SOURCES)): \
    PRECOMPILED_FLAGS := -include $(BUILD)/precompiled_tests.h
$(BUILD)/obj/tests/unit/main.o: PRECOMPILED_FLAGS :=  # It makes doctest itself.
$(BUILD)/obj/checks/databases/%: PRECOMPILED_FLAGS :=
endif

# ---- Programs --------------------------------------------------------------------------------

.PHONY: all
all: build-dependencies $(PROGRAMS) $(PARTS)  ## build/release/picketd and build/release/picket

$(BUILD)/precompiled_tests.h.gch: tests/support/precompiled.h
$(PRECOMPILED): $(BUILD)/%.gch: tests/support/% | build-dependencies
	@mkdir -p $(@D)
	@echo "  c++  $<"
	@$(CXX) $(CXXFLAGS_ALL) -x c++-header $< -o $@

$(BUILD)/obj/%.o: %.cpp $(PRECOMPILED) | build-dependencies
	@mkdir -p $(@D)
	@echo "  c++  $<"
	@$(CXX) $(CXXFLAGS_ALL) $(PRECOMPILED_FLAGS) -MMD -MP -c $< -o $@

$(LIBRARY): $(call objects,$(SOURCES))
	@rm -f $@
	@ar crs $@ $^

LINK = @echo "  link $@" && $(CXX) $(LDFLAGS_ALL) $(filter %.o,$^) $(filter %.a,$^) $(LIBRARIES) -o $@

$(PROGRAMS): $(BUILD)/%: $(BUILD)/obj/agent/%.o $(LIBRARY)
	$(LINK)

# The CLI is started by people and scripts: what it loads it waits for. Under sanitizers, which
# bring their own libraries, it is linked as the rest.
ifeq ($(PROFILE),release)
$(BUILD)/picket: $(call objects,$(CLI_FMT_SOURCE))
$(BUILD)/picket: LDFLAGS += -static-libstdc++ -static-libgcc
endif

# It is started often: the C library is all that it loads.
$(BUILD)/picket-helper: $(call objects,$(HELPER_SOURCE))
	@echo "  link $@" && $(CXX) $(LDFLAGS_ALL) -static-libstdc++ -static-libgcc $^ -o $@

$(call objects,$(DATABASE_SOURCES)): CXXFLAGS += -fPIC $(DATABASE_CXXFLAGS)
$(DATABASES:%=$(BUILD)/picket-%.so): $(BUILD)/picket-%.so: $(BUILD)/obj/checks/databases/%.o
	@echo "  link $@" && $(CXX) $(filter-out -pie,$(LDFLAGS_ALL)) -shared $^ \
	    $(DATABASE_LIBRARY_$*) -o $@

# ---- Installation ----------------------------------------------------------------------------

# Packages install with PREFIX=/usr, which is where picketd looks for checks of packages.
PREFIX ?= /usr/local

.PHONY: install
install: $(PROGRAMS) $(PARTS)  ## programs and their parts, below DESTDIR and PREFIX=/usr/local
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/picket/checks.d \
	    $(DESTDIR)$(PREFIX)/share/doc/picket/examples
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(filter %/picket-helper,$(PARTS)) $(DESTDIR)$(PREFIX)/lib/picket
	install -m 644 $(filter %.so,$(PARTS)) $(DESTDIR)$(PREFIX)/lib/picket
	install -m 644 packaging/examples/* $(DESTDIR)$(PREFIX)/share/doc/picket/examples

# ---- Tests -----------------------------------------------------------------------------------

$(BUILD)/unit_tests: $(call objects,$(UNIT_SOURCES) $(SUPPORT_SOURCES)) $(LIBRARY) | $(PARTS)
	$(LINK)

$(BUILD)/storage_writer: $(call objects,tests/support/storage_writer.cpp) $(LIBRARY)
	$(LINK)

.PHONY: unit
unit:  ## unit tests, with ASan and UBSan
	@$(MAKE) PROFILE=asan build/asan/unit_tests
	@tests/run build unit

$(BUILD)/integration_tests: $(call objects,tests/unit/main.cpp $(INTEGRATION_SOURCES) \
    $(SUPPORT_SOURCES)) $(LIBRARY) | $(PARTS)
	$(LINK)

# Of the mesh alone, so that nothing else need be built to play it.
$(BUILD)/libgossip.a: $(call objects,$(filter gossip/% agent/base/%,$(SOURCES)))
	@rm -f $@
	@ar crs $@ $^

$(BUILD)/sim_tests: $(call objects,$(SIM_SOURCES) tests/unit/main.cpp) $(BUILD)/libgossip.a
	$(LINK)

.PHONY: sim
sim:  ## simulated meshes, optimised, assertions on: SEED= first, RUNS= how many, NODES= agents
	@$(MAKE) PROFILE=release build/release/sim_tests
	SEED=$(SEED) RUNS=$(RUNS) NODES=$(NODES) build/release/sim_tests

.PHONY: sim-large
sim-large:  ## the figures of large meshes, simulated: ONLY=membership NODES=1000 LOSS=10 WINDOW=60
	@$(MAKE) PROFILE=release build/release/sim_tests
	NODES=$(NODES) LOSS=$(LOSS) WINDOW=$(WINDOW) SEED=$(SEED) RUNS=$(RUNS) \
	    build/release/sim_tests --no-skip -tc='figures of a large mesh:?$(ONLY)*'

# One fuzz_NAME.cpp is one target; its corpus is tests/fuzz/corpus/NAME.
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.cpp,%,$(FUZZ_SOURCES))
REPLAYS := $(FUZZ_NAMES:%=$(BUILD)/fuzz_%)

$(filter $(BUILD)/fuzz_gossip_% $(BUILD)/fuzz_spread_%,$(REPLAYS)): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o \
    $(BUILD)/obj/tests/fuzz/replay_main.o $(BUILD)/libgossip.a
	$(LINK)
$(filter-out $(BUILD)/fuzz_gossip_% $(BUILD)/fuzz_spread_%,$(REPLAYS)): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o \
    $(BUILD)/obj/tests/fuzz/replay_main.o $(LIBRARY)
	$(LINK)

# This one asks a made-up agent.
$(BUILD)/fuzz_api_request $(BUILD)/libfuzzer_api_request: $(BUILD)/obj/tests/support/fake_backend.o

.PHONY: corpus replays
replays: $(REPLAYS)
corpus:  ## run every fuzz target over its corpus, with ASan and UBSan
	@$(MAKE) PROFILE=asan replays
	@for name in $(FUZZ_NAMES); do \
	    build/asan/fuzz_$$name tests/fuzz/corpus/$$name || exit 1; done

# The fuzzer's own build: clang's libFuzzer, the library compiled with its coverage too.
.PHONY: fuzz
T ?= $(firstword $(FUZZ_NAMES))
SECONDS ?= 60
fuzz: develop-dependencies  ## fuzz one target: T=definition_parser SECONDS=60
	@$(MAKE) PROFILE=fuzz CXX=clang++-14 WARNINGS= WERROR= build/fuzz/libfuzzer_$(T)
	@mkdir -p build/fuzz/found/$(T)
	build/fuzz/libfuzzer_$(T) -max_total_time=$(SECONDS) -artifact_prefix=build/fuzz/found/ \
	    build/fuzz/found/$(T) tests/fuzz/corpus/$(T)

LINK_FUZZER = @echo "  link $@" && $(CXX) $(LDFLAGS_fuzz) $(filter %.o,$^) $(filter %.a,$^) $(LIBRARIES) -o $@

$(BUILD)/libfuzzer_gossip_%: $(BUILD)/obj/tests/fuzz/fuzz_gossip_%.o $(BUILD)/libgossip.a
	$(LINK_FUZZER)
$(BUILD)/libfuzzer_spread_%: $(BUILD)/obj/tests/fuzz/fuzz_spread_%.o $(BUILD)/libgossip.a
	$(LINK_FUZZER)
$(BUILD)/libfuzzer_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIBRARY)
	$(LINK_FUZZER)

TEST_PROGRAMS = $(PROGRAMS) $(BUILD)/unit_tests $(BUILD)/integration_tests $(BUILD)/storage_writer \
    $(BUILD)/sim_tests $(REPLAYS)

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)

.PHONY: test
test: test-dependencies  ## everything: unit, corpora, simulation, integration; the last line is the sum
	@$(MAKE) PROFILE=asan test-programs
	@$(MAKE) PROFILE=release build/release/sim_tests
	@tests/run build

.PHONY: check
check: format-check  ## the one before each commit: format, unit tests but the long ones, a short simulation
	@$(MAKE) PROFILE=asan build/asan/unit_tests
	@QUICK=1 tests/run build unit
	@$(MAKE) PROFILE=release build/release/sim_tests
	RUNS=10 build/release/sim_tests -m -tc='whatever the fault, the mesh*'

.PHONY: integration
integration: test-dependencies  ## integration tests only; ONLY=name for one file
	@$(MAKE) PROFILE=asan test-programs
	@tests/run build integration-$(ONLY)

.PHONY: demo
demo: all demo-dependencies  ## watch five agents agree on a real outage, and one lose its network
	@tests/demo build/release

.PHONY: bench
bench: all bench-dependencies  ## the figures of docs/PERFORMANCE.md
	@tests/bench/agent.py build/release
	@tests/bench/mesh.py build/release
	@tests/bench/agreement.py build/release
	@tests/bench/flood.py build/release
	@$(MAKE) PROFILE=release build/release/probe_driver build/release/bare_loops
	@tests/bench/probes.py build/release
	@$(MAKE) PROFILE=release bench-history
	@tests/bench/paced.py build/release

# Two programs that tests/bench/probes.py compares: a probe, and the library alone.
$(BUILD)/probe_driver $(BUILD)/bare_loops: $(BUILD)/%: $(BUILD)/obj/tests/bench/%.o $(LIBRARY)
	$(LINK)

$(BUILD)/history_bench: $(call objects,tests/bench/history.cpp) $(LIBRARY)
	$(LINK)

.PHONY: bench-history
bench-history: $(BUILD)/history_bench $(PROGRAMS)  ## only those of history; DAYS= of outcomes, by 100 checks
	@mkdir -p build/bench && $(BUILD)/history_bench build/bench $(or $(DAYS),30)
	@tests/bench/cli.py $(BUILD) build/bench $(or $(DAYS),30)

# ---- Housekeeping ----------------------------------------------------------------------------

.PHONY: build-dependencies test-dependencies demo-dependencies bench-dependencies develop-dependencies
build-dependencies:
	@packaging/install-dependencies packaging/build-dependencies.txt
test-dependencies:
	@packaging/install-dependencies packaging/build-dependencies.txt packaging/test-dependencies.txt
demo-dependencies:
	@packaging/install-dependencies packaging/build-dependencies.txt packaging/demo-dependencies.txt
develop-dependencies:
	@packaging/install-dependencies packaging/build-dependencies.txt packaging/develop-dependencies.txt
bench-dependencies:
	@packaging/install-dependencies packaging/build-dependencies.txt packaging/bench-dependencies.txt

.PHONY: format format-check
format:  ## rewrite the sources in picket's format
	@$(CLANG_FORMAT) -i $(ALL_FILES)
format-check: develop-dependencies  ## fail where the format differs
	@$(CLANG_FORMAT) --dry-run --Werror $(ALL_FILES)

.PHONY: lint
LINT ?= changed
LINT_FILES = $(if $(filter all,$(LINT)),$(filter %.cpp,$(ALL_FILES)),\
    $(filter $(filter %.cpp,$(ALL_FILES)),$(shell git diff --name-only HEAD~1)))
lint: develop-dependencies  ## clang-tidy on the changed files; LINT=all for every file
	@printf '%s\n' $(LINT_FILES) | xargs -r -n 1 -P $$(nproc) \
	    $(CLANG_TIDY) --quiet -- -std=c++20 -I. $(DEFINES)

.PHONY: asan tsan
asan:  ## build everything with ASan and UBSan
	@$(MAKE) PROFILE=asan all
tsan:  ## unit tests with TSan
	@$(MAKE) PROFILE=tsan build/tsan/unit_tests
	build/tsan/unit_tests

.PHONY: clean
clean:  ## remove build/
	rm -rf build

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
