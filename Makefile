# Debar.  `make help` lists the targets.

BUILD   := build
CC      ?= cc
CFLAGS  ?= -O2 -g
WARN    := -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wshadow \
           -Wpointer-arith -Wmissing-prototypes -Wstrict-prototypes
CPPFLAGS += -Iblocklist -D_GNU_SOURCE
LIBS    := -llmdb -lyaml -lpsl -licui18n -licuuc -lpcre2-8 -lcrypto -lpthread

LIB_SRCS  := $(wildcard blocklist/*.c)
LIB_OBJS  := $(LIB_SRCS:%.c=$(BUILD)/%.o) $(BUILD)/blocklist/shipped.o
TOOL_SRCS := $(wildcard tools/*.c)
TOOL_OBJS := $(TOOL_SRCS:%.c=$(BUILD)/%.o)
UNITS     := $(patsubst t/unit/%.c,$(BUILD)/t/unit/%.t,$(wildcard t/unit/*.c))
HEADERS   := $(wildcard blocklist/*.h tools/*.h t/unit/*.h)

# The nginx that the modules are built for: Debian's own source tree from
# nginx-dev, or NGINX_SRC=/path of a configured or plain source tree.

NGINX_DEV := /usr/share/nginx/src
MODULES   := $(BUILD)/ngx_http_debar_module.so $(BUILD)/ngx_stream_debar_module.so
NGX_SRCS  := config $(wildcard ngx_module/*.c ngx_module/*.h) $(LIB_SRCS) \
             $(wildcard blocklist/*.h)


all: $(BUILD)/debar modules                     ## build the command and both modules

modules: $(MODULES)

lib: $(BUILD)/libdebar.a

$(BUILD)/libdebar.a: $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/debar: $(TOOL_OBJS) $(BUILD)/libdebar.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(TOOL_OBJS) $(BUILD)/libdebar.a $(LIBS)

$(BUILD)/%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -c -o $@ $<

$(BUILD)/blocklist/shipped.c: $(wildcard blocklist/channels/*.yaml) blocklist/embed.sh
	@mkdir -p $(@D)
	sh blocklist/embed.sh blocklist/channels > $@

$(BUILD)/blocklist/shipped.o: $(BUILD)/blocklist/shipped.c
	$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -fPIC -c -o $@ $<

units: $(UNITS)

$(BUILD)/t/unit/%.t: t/unit/%.c t/unit/tap.h $(BUILD)/libdebar.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -It/unit $(CFLAGS) $(WARN) -o $@ $< $(BUILD)/libdebar.a $(LIBS)

$(BUILD)/ngx_stream_debar_module.so: $(BUILD)/ngx_http_debar_module.so ;

$(BUILD)/ngx_http_debar_module.so: $(NGX_SRCS) tools/build-modules.sh
	sh tools/build-modules.sh $(BUILD) $(NGINX_DEV)

clean:                                          ## remove what was built
	rm -rf $(BUILD)

help:                                           ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

.PHONY: all modules lib units clean help
.DELETE_ON_ERROR:
