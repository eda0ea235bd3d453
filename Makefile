# ctorch: `make help` lists what there is. Everything that is built lands in build/ (SAN=1: in build/san).
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?= 0
V ?= 0
WERROR ?= -Werror
OPT ?= -O2

CC ?= cc
comma := ,
Q := $(if $(filter 1,$(V)),,@)
BUILD := build$(if $(filter 1,$(SAN)),/san)
GEN := $(BUILD)/gen
ISAS := $(if $(filter x86_64,$(shell uname -m)),v2 v3 v4,generic)
PKGS := yaml-0.1 libpng zlib libcrypto jansson
ONEDNN ?= $(shell printf '\#include <dnnl.h>\n' | $(CC) -E - >/dev/null 2>&1 && echo 1 || echo 0)
SANFLAGS := $(if $(filter 1,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)

BASE := -std=c11 -D_GNU_SOURCE -DCT_VERSION='"$(VERSION)"' -Wall -Wextra $(WERROR) -g -fPIC -fopenmp-simd \
	-ffp-contract=off -MMD -MP -I. -Ilib -I$(GEN) $(SANFLAGS)
LIB_CFLAGS = $(BASE) $(OPT) $(shell pkg-config --cflags $(PKGS)) $(CFLAGS)
KERNEL_CFLAGS = $(BASE) -O3 -fno-math-errno -fno-trapping-math $(if $(filter 1,$(ONEDNN)),-DCT_ONEDNN) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PKGS)) $(if $(filter 1,$(ONEDNN)),-ldnnl -lgomp) -ldl -lm -lpthread

LIB_SRC := $(wildcard lib/*/*.c kernels/*.c kernels/ref/*.c)
ISA_SRC := $(filter-out kernels/cpu/choice.c,$(wildcard kernels/cpu/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/kernels/cpu/choice.o
ISA_OBJ := $(foreach isa,$(ISAS),$(ISA_SRC:kernels/cpu/%.c=$(BUILD)/obj/cpu-$(isa)/%.o))
CMD_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard cmd/*.c))
UNIT := $(patsubst tests/unit/test_%.c,$(BUILD)/tests/test_%,$(wildcard tests/unit/test_*.c))
UNIT_HELP := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)))

all: $(BUILD)/ctorch $(BUILD)/libctorch.so $(BUILD)/libctorch.a ## build the command and the library

$(GEN)/ctorch_ops.h: lib/ops/header.sh lib/ops/header.in lib/ops/row.h $(wildcard kernels/*.def) kernels/args.h
	@mkdir -p $(@D)
	$(Q)CC='$(CC)' sh lib/ops/header.sh > $@.tmp && mv $@.tmp $@

$(BUILD)/obj/%.o: %.c | $(GEN)/ctorch_ops.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(LIB_CFLAGS) -c $< -o $@
$(BUILD)/obj/kernels/%.o: kernels/%.c | $(GEN)/ctorch_ops.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@
$(BUILD)/obj/lib/data/embed.o: $(wildcard datasets/*.yaml datasets/*/*) # .incbin is unseen by -MMD
define isa_rule
$(BUILD)/obj/cpu-$(1)/%.o: kernels/cpu/%.c | $(GEN)/ctorch_ops.h
	@mkdir -p $$(@D)
	$(Q)$(CC) $$(KERNEL_CFLAGS) $(if $(filter v%,$(1)),-march=x86-64-$(1)) -DCT_ISA=$(1) -c $$< -o $$@
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rule,$(isa))))

$(BUILD)/libctorch.a: $(LIB_OBJ) $(ISA_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/libctorch.so: $(LIB_OBJ) $(ISA_OBJ)
	$(Q)$(CC) -shared -Wl,-soname,libctorch.so.0 $(SANFLAGS) $^ $(LIBS) -o $@
$(BUILD)/ctorch: $(CMD_OBJ) $(BUILD)/libctorch.a
	$(Q)$(CC) $(SANFLAGS) $(CMD_OBJ) -Wl,--whole-archive $(BUILD)/libctorch.a -Wl,--no-whole-archive $(LIBS) -o $@
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(UNIT_HELP) $(BUILD)/libctorch.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(filter %.o,$^) -Wl,--whole-archive $(BUILD)/libctorch.a -Wl,--no-whole-archive $(LIBS) -o $@

unit: $(UNIT)

clean: ## remove build/
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

.PHONY: all unit clean help
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
