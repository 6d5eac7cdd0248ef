# A thin front for meson: the words a newcomer types.
B      = build
PYTEST = /usr/bin/python3 -m pytest -q

.PHONY: all demo test check bench serve install deb fuzz format sanitize scenario clean need-build

all: need-build
	@[ -f $(B)/build.ninja ] || CC=gcc meson setup $(B) -Dtests=$$(dpkg-query -W libcmocka-dev >/dev/null 2>&1 && echo true || echo false) >/dev/null
	@ninja -C $(B) --quiet

need-build:
	@tools/need --check build

# The main job, end to end, on a real image.
demo:
	@tools/need build run demo
	@$(MAKE) --no-print-directory all
	@demo/demo $(B)

# Everything CI runs.
test:
	@tools/need build run test
	@$(MAKE) --no-print-directory check sanitize scenario

# The fast part.
check:
	@tools/need build test
	@[ ! -f $(B)/build.ninja ] || meson configure $(B) -Dtests=true >/dev/null
	@$(MAKE) --no-print-directory all
	tools/check-rooms
	tools/check-globals $(B)
	tools/check-format
	tools/units $(B) unit fuzz

sanitize:
	@tools/sanitize build-asan address,undefined unit fuzz
	@tools/sanitize build-tsan thread thread

scenario:
	@HOLDFAST_BUILD=$(CURDIR)/$(B) $(PYTEST) test/scenario

bench:
	@tools/need build run bench
	@$(MAKE) --no-print-directory all
	@meson configure $(B) -Dbench=true >/dev/null && ninja -C $(B) --quiet
	bench/run $(B)

# Run it and keep it running: Ctrl-C ends it.
serve: all
	@mkdir -p $(B)/data
	$(B)/src/daemon/holdfastd --data $(B)/data

install: all
	meson install -C $(B) --no-rebuild

deb:
	@tools/need build deb
	tools/deb

fuzz:
	@tools/need build fuzz
	tools/fuzz $${SECONDS_EACH:-600}

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf $(B) build-*
