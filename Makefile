# Debar.  `make help` lists the targets.

BUILD   := build
CC      ?= cc
CFLAGS  ?= -O2 -g
WARN    := -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wshadow \
           -Wpointer-arith -Wmissing-prototypes -Wstrict-prototypes
CPPFLAGS += -Iblocklist -D_GNU_SOURCE
LIBS    := -llmdb -lyaml -lpsl -licui18n -licuuc -lpcre2-8 -lz -lbrotlidec \
           -lzstd -llzma -lexpat -lyajl -larchive -lcrypto -lpthread
TOOL_LIBS := -ljansson -lseccomp -lcurl -lsqlite3 -lmicrohttpd -lssl

LIB_SRCS  := $(wildcard blocklist/*.c)
LIB_OBJS  := $(LIB_SRCS:%.c=$(BUILD)/%.o) $(BUILD)/blocklist/shipped.o
TOOL_SRCS := $(wildcard tools/*.c)
TOOL_OBJS := $(TOOL_SRCS:%.c=$(BUILD)/%.o) $(BUILD)/tools/template.o
UNITS     := $(patsubst t/unit/%.c,$(BUILD)/t/unit/%.t,$(wildcard t/unit/*.c))
HEADERS   := $(wildcard blocklist/*.h tools/*.h t/unit/*.h)

# The nginx that the modules are built for: Debian's own source tree from
# nginx-dev, or NGINX_SRC=/path of a released tree or a checkout.

NGINX_SRC ?= /usr/share/nginx/src
MODULES   := $(BUILD)/ngx_http_debar_module.so $(BUILD)/ngx_stream_debar_module.so
NGX_SRCS  := config $(wildcard ngx_module/*.c ngx_module/*.h) $(LIB_SRCS) \
             $(wildcard blocklist/*.h)


# Targets that build first do so with all processors, unless make was told how
# many: JOBS=1 or make -j1.

JOBS ?= $(shell nproc)
BY    = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

all: $(BUILD)/debar modules                     ## build the command and both modules

modules: $(MODULES)

lib: $(BUILD)/libdebar.a

$(BUILD)/libdebar.a: $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/debar: $(TOOL_OBJS) $(BUILD)/libdebar.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(TOOL_OBJS) $(BUILD)/libdebar.a \
	    $(TOOL_LIBS) $(LIBS)

$(BUILD)/%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -c -o $@ $<

$(BUILD)/blocklist/shipped.c: $(wildcard blocklist/channels/*.yaml) \
                              $(wildcard blocklist/data/guard/*.txt) blocklist/embed.sh
	@mkdir -p $(@D)
	sh blocklist/embed.sh blocklist/channels blocklist/data/guard > $@

$(BUILD)/tools/template.c: tools/gateway/nginx.conf.in tools/gateway/embed.sh
	@mkdir -p $(@D)
	sh tools/gateway/embed.sh tools/gateway/nginx.conf.in > $@

$(BUILD)/tools/template.o: $(BUILD)/tools/template.c
	$(CC) $(CPPFLAGS) -Itools $(CFLAGS) $(WARN) -fPIC -c -o $@ $<

$(BUILD)/blocklist/shipped.o: $(BUILD)/blocklist/shipped.c
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -c -o $@ $<

units: $(UNITS)

$(BUILD)/t/unit/%.t: t/unit/%.c $(wildcard t/unit/*.h) $(BUILD)/libdebar.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -It/unit $(CFLAGS) $(WARN) -o $@ $< $(BUILD)/libdebar.a $(LIBS)

$(BUILD)/ngx_stream_debar_module.so: $(BUILD)/ngx_http_debar_module.so ;

$(BUILD)/ngx_http_debar_module.so: $(NGX_SRCS) tools/build-modules.sh
	sh tools/build-modules.sh $(BUILD) $(NGINX_SRC)

deps:                                           ## install the packages of tools/deps.txt that are missing
	@sh tools/deps.sh

run: deps                                       ## a gateway on 127.0.0.1:3128, sample requests, their verdicts
	@$(MAKE) --no-print-directory $(BY) all
	@BUILD=$(BUILD) sh tools/run.sh start

stop:                                           ## end what `make run` left running
	@BUILD=$(BUILD) sh tools/run.sh stop

PREFIX      ?= /usr/local
NGX_MODULES ?= /usr/lib/nginx/modules
UNITDIR     ?= $(PREFIX)/lib/systemd/system

install: all                                    ## to $(DESTDIR)$(PREFIX), modules to $(NGX_MODULES)
	install -D -m 755 $(BUILD)/debar $(DESTDIR)$(PREFIX)/bin/debar
	install -D -m 644 -t $(DESTDIR)$(NGX_MODULES) $(MODULES)
	install -D -m 644 tools/debar.1 $(DESTDIR)$(PREFIX)/share/man/man1/debar.1
	install -D -m 644 tools/completion/debar.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/debar
	install -D -m 644 -t $(DESTDIR)$(UNITDIR) tools/gateway/*.service \
	    tools/gateway/*.timer
	cd blocklist/lists && find federal -type f -exec install -D -m 644 {} \
	    $(abspath $(DESTDIR)$(PREFIX))/share/debar/lists/{} \;

# Tests are TAP under prove: C units first, then real nginx over real sockets,
# $(JOBS) at once.  TESTS=t/http.t runs one; PROVE=-v shows every claim.

TESTS ?= $(UNITS) $(sort $(wildcard t/*.t))

test: deps                                      ## install packages, build, run every test
	@$(MAKE) --no-print-directory $(BY) all units
	DEBAR_BUILD=$(abspath $(BUILD)) prove -j$(JOBS) $(PROVE) $(TESTS)

# Long things.  SECONDS_EACH bounds each fuzz target.

SECONDS_EACH ?= 60
SANITIZED    ?= t/tunnel.t t/abort.t t/drain.t t/stress.t
VALGRINDED   ?= t/tunnel.t
FUZZERS := $(patsubst t/fuzz/%.c,$(BUILD)/t/fuzz/%,$(wildcard t/fuzz/*.c))

fuzz: $(FUZZERS)                                ## each target of t/fuzz for SECONDS_EACH; FUZZ=peel-json one
	@t/fuzz/run.sh $(BUILD) $(SECONDS_EACH) $(FUZZ)

# The library under the sanitizers is compiled once for all of them.

FUZZ_CC   := clang $(CPPFLAGS) -g -O1 -fno-sanitize-recover=undefined
FUZZ_OBJS := $(LIB_SRCS:%.c=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/blocklist/shipped.o

$(BUILD)/fuzz/%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/fuzz/blocklist/shipped.o: $(BUILD)/blocklist/shipped.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

# Of the command a target is linked to what it calls; libFuzzer has main().

FUZZ_TOOLS := $(TOOL_SRCS:%.c=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/tools/template.o

$(BUILD)/fuzz/tools/main.o: FUZZ_CC += -Dmain=debar_main

$(BUILD)/fuzz/tools/template.o: $(BUILD)/tools/template.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -Itools -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(BUILD)/fuzz/tools.a: $(FUZZ_TOOLS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/t/fuzz/%: t/fuzz/%.c $(FUZZ_OBJS) $(BUILD)/fuzz/tools.a
	@mkdir -p $(@D)
	$(FUZZ_CC) -Itools -fsanitize=fuzzer,address,undefined -o $@ $< \
	    $(BUILD)/fuzz/tools.a $(FUZZ_OBJS) $(TOOL_LIBS) $(LIBS)

soak:                                           ## the long forms: 10,000 tunnels, a minute of everything at once
	@$(MAKE) --no-print-directory $(BY) all
	DEBAR_BUILD=$(abspath $(BUILD)) DEBAR_MANY=10000 DEBAR_STRESS=60 \
	    prove --timer $(PROVE) t/many.t t/stress.t

sanitize:                                       ## aborts and ends under ASan and UBSan; NGINX_SRC=released nginx
	@$(MAKE) --no-print-directory deps
ifdef VALGRIND
	@$(MAKE) --no-print-directory $(BY) all
	@sh t/soak/valgrind.sh $(BUILD) $(VALGRINDED)
else
	@sh t/soak/sanitize.sh $(BUILD) $(NGINX_SRC) $(SANITIZED)
endif

bench:                                          ## measure beside stock nginx; prints goal and figure
	@$(MAKE) --no-print-directory $(BY) CFLAGS='-O2 -g' all
	DEBAR_BUILD=$(abspath $(BUILD)) t/bench/run $(BENCH)

clean:                                          ## remove what was built
	rm -rf $(BUILD)

help:                                           ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

.PHONY: all modules lib units deps run stop install clean help
.SECONDARY: $(FUZZ_OBJS)
.DELETE_ON_ERROR:
