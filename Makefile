# ctorch: `make help` lists what there is. All that is built lands in build/ (with SAN=1: in build/san).
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?= 0
V ?= 0
OPT ?= -O2
WERROR ?= -Werror
ifeq ($(MAKELEVEL),0) # a -j on the command line counts for more
MAKEFLAGS += -j$(shell nproc)
endif

comma := ,
on = $(filter 1,$($(1)))
BUILD := build$(if $(call on,SAN),/san)
GEN := $(BUILD)/gen
ISAS := $(if $(filter x86_64,$(shell uname -m)),v2 v3 v4,generic)
PKGS := yaml-0.1 libpng zlib libcrypto jansson

# A build without what it needs ends here, in one line; the goals named below look after themselves.
ifneq ($(filter-out demo test test-long lint deps uninstall clean help,$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell CC='$(CC)' sh tests/deps.sh missing need)
ifneq ($(MISSING),)
$(error missing: $(MISSING)-- `make deps` installs them)
endif
endif

SANFLAGS := $(if $(call on,SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
BASE := -std=c11 -D_GNU_SOURCE -DCT_VERSION='"$(VERSION)"' -Wall -Wextra $(WERROR) -g -fPIC -fopenmp-simd \
	-ffp-contract=off -I. -Ilib -I$(GEN) $(SANFLAGS)
LIB_CFLAGS := $(BASE) $(OPT) $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CFLAGS)
# clang warns of each `omp simd` loop that calls libm and so stays scalar; gcc ignores the option.
KERNEL_CFLAGS := $(BASE) -O3 -fno-math-errno -fno-trapping-math -Wno-pass-failed $(CFLAGS)
PRIVATE := -ldl -lm -lpthread
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) $(PRIVATE)

# Sources are whatever is there. Kernels of kernels/cpu are built once an instruction set, to be chosen at run time.
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ISA_SRC := $(filter-out kernels/cpu/choice.c,$(wildcard kernels/cpu/*.c))
LIB_OBJ := $(call objects,$(wildcard lib/*/*.c kernels/*.c kernels/ref/*.c) kernels/cpu/choice.c) \
	$(foreach isa,$(ISAS),$(ISA_SRC:kernels/cpu/%.c=$(BUILD)/obj/cpu-$(isa)/%.o))
CMD_OBJ := $(call objects,$(wildcard cmd/*.c))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TESTS := $(UNIT) $(patsubst %,$(BUILD)/tests/%,$(notdir $(wildcard tests/goldens tests/fuzz)))
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

PAGES := $(GEN)/ctorch-ops.7 $(GEN)/ctorch-spec.5

all: $(BUILD)/ctorch $(BUILD)/libctorch.so $(BUILD)/libctorch.a $(PAGES) ## build the command and the library

# ---- rules ----
say = $(if $(call on,V),,@printf '  %-3s %s\n' $(1) $(@:$(BUILD)/%=%);)
link = $(CC) $(SANFLAGS) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -o $@

# Files that change when a setting, or the list of sources, does: what was made with another is made again.
define stamp
ifneq ($$(file <$(BUILD)/$(1)),$$(strip $(2)))
$(BUILD)/$(1): FORCE
endif
$(BUILD)/$(1):
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$$(strip $(2)))' >$$@
endef
$(eval $(call stamp,flags,$$(CC) $$(LIB_CFLAGS) $$(KERNEL_CFLAGS) $$(LIBS) $$(LDFLAGS)))
$(eval $(call stamp,sources,$$(LIB_OBJ) $$(CMD_OBJ)))

$(GEN)/ctorch_ops.h: lib/ops/header.sh lib/ops/header.in lib/ops/row.h $(wildcard kernels/*.def) kernels/args.h
	@mkdir -p $(@D)
	$(call say,GEN)CC='$(CC)' sh lib/ops/header.sh > $@.tmp && mv $@.tmp $@
# The shared library shows what the installed headers declare, and nothing else.
$(GEN)/exports: lib/ctorch.h lib/ctorch_run.h $(GEN)/ctorch_ops.h
	$(call say,GEN)$(CC) -E -P -Ilib -I$(GEN) lib/ctorch_run.h | grep -o '\bct_[a-z0-9_]*(' | sort -u | tr '(' ';' | \
		(echo 'CTORCH_0 { global:'; cat; echo 'local: *; };') > $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(GEN)/ctorch_ops.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(LIB_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/obj/kernels/%.o: kernels/%.c $(BUILD)/flags | $(GEN)/ctorch_ops.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@
define isa_rule
$(BUILD)/obj/cpu-$(1)/%.o: kernels/cpu/%.c $(BUILD)/flags | $(GEN)/ctorch_ops.h
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(KERNEL_CFLAGS) $(if $(filter v%,$(1)),-march=x86-64-$(1)) -DCT_ISA=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rule,$(isa))))
$(BUILD)/obj/lib/data/embed.o: $(wildcard datasets/*.yaml datasets/*/*) # .incbin is unseen by -MMD

$(BUILD)/libctorch.a: $(LIB_OBJ) $(BUILD)/sources
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $(LIB_OBJ)
$(BUILD)/libctorch.so.0: $(LIB_OBJ) $(GEN)/exports $(BUILD)/sources
	$(call say,LD)$(link) -shared -Wl,-soname,$(@F) -Wl,--version-script=$(GEN)/exports
$(BUILD)/libctorch.so: $(BUILD)/libctorch.so.0
	@ln -sf $(<F) $@
$(BUILD)/ctorch: $(CMD_OBJ) $(BUILD)/libctorch.a $(BUILD)/sources
	$(call say,LD)$(link)
$(BUILD)/ops-page: $(BUILD)/obj/man/ops.o $(BUILD)/libctorch.a
	$(call say,LD)$(link)
$(BUILD)/spec-page: $(BUILD)/obj/man/spec.o $(BUILD)/libctorch.a
	$(call say,LD)$(link)
$(GEN)/ctorch-ops.7: $(BUILD)/ops-page
	$(call say,GEN)$< > $@
$(GEN)/ctorch-spec.5: $(BUILD)/spec-page man/ctorch-spec.5.in
	$(call say,GEN)$< <man/ctorch-spec.5.in > $@
$(BUILD)/tests/goldens: $(call objects,$(wildcard tests/goldens/*.c))
$(BUILD)/tests/fuzz: $(call objects,$(wildcard tests/fuzz/*.c))
$(UNIT): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o
$(BENCH): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o
$(BUILD)/bench/shapes: LIBS += $(shell echo '\#include <dnnl.h>' | $(CC) -E - >/dev/null 2>&1 && echo -ldnnl)
$(TESTS) $(BENCH): $(BUILD)/libctorch.a
	@mkdir -p $(@D)
	$(call say,LD)$(link)

# ---- what people ask for ----
demo: deps ## train on the digits that come along, and show how good the model is
	@$(MAKE) --no-print-directory all
	$(BUILD)/ctorch train specs/digits-mlp.yaml -o $(BUILD)/demo --force
	$(BUILD)/ctorch eval $(BUILD)/demo --show 9
test: deps ## all tests that take minutes
	@$(MAKE) --no-print-directory tests
	@sh tests/run.sh $(BUILD) lint unit goldens fuzz kill bats
test-long: ## sanitizers, memcheck, fuzz, kills, other compilers and instruction sets: under an hour
	@sh tests/deps.sh install need want test long
	@sh tests/long.sh
tests: all $(TESTS) $(BENCH)
lint: ## what a machine can say about the source
	@CC='$(CC)' sh tests/lint.sh
bench: tests ## measure against PyTorch and JAX, where they are
	@sh tests/bench/bench.sh $(BUILD) README.md
deps: ## install what is missing (Debian, by apt)
	@CC='$(CC)' sh tests/deps.sh install need want test

HEADERS := lib/ctorch.h lib/ctorch_run.h $(GEN)/ctorch_ops.h
PLACES := $(BUILD)/ctorch:bin/ctorch $(BUILD)/libctorch.a:lib/libctorch.a $(BUILD)/libctorch.so.0:lib/libctorch.so.0 \
	$(foreach h,$(HEADERS),$(h):include/$(notdir $(h))) $(foreach s,$(wildcard specs/*),$(s):share/ctorch/$(s)) \
	$(foreach m,$(wildcard man/*.[1-9]) $(PAGES),$(m):share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
TO := $(DESTDIR)$(PREFIX)
install: all ## into DESTDIR/PREFIX (/usr/local)
	@for p in $(PLACES); do \
		mode=644; [ -x "$${p%%:*}" ] && mode=755; install -D -m $$mode "$${p%%:*}" "$(TO)/$${p#*:}" || exit; done
	@ln -sf libctorch.so.0 "$(TO)/lib/libctorch.so"
	@mkdir -p "$(TO)/lib/pkgconfig"
	@sed -e 's|@PREFIX@|$(PREFIX)|;s|@VERSION@|$(VERSION)|;s|@PKGS@|$(PKGS)|;s|@PRIVATE@|$(PRIVATE)|' lib/ctorch.pc.in \
		> "$(TO)/lib/pkgconfig/ctorch.pc"
	@echo "installed into $(TO)"
uninstall: ## remove what install put there
	@cd "$(TO)" && rm -f $(foreach p,$(PLACES),$(lastword $(subst :, ,$(p)))) lib/libctorch.so lib/pkgconfig/ctorch.pc
	@cd "$(TO)" && for d in share/ctorch/specs share/ctorch; do [ ! -d $$d ] || rmdir --ignore-fail-on-non-empty $$d; done
clean: ## remove build/
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12
	@echo 'settings: V=1 shows commands; SAN=1 sanitizers; CC=clang; PREFIX=, DESTDIR= for install'

FORCE:
.PHONY: all demo test test-long tests lint bench deps install uninstall clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
