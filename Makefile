# Front of the CMake build: `make`, then `make test`. JOBS=N compiles N files at a time.
JOBS ?= 2
CONFIGURE = cmake -S . -DCMAKE_BUILD_TYPE=$(TYPE) $(FLAGS) -B
BUILD = cmake --build $(1) -j $(JOBS)
TYPE = Release

all:
	$(CONFIGURE) build
	$(call BUILD,build)

test: all
	tools/run_tests build

bench: all
	@for b in build/bench/*; do if [ -x "$$b" ] && [ -f "$$b" ]; then "$$b"; fi; done

lint:
	tools/check_layers
	tools/check_style

format:
	find src include cli examples bench tests -name '*.[ch]' | xargs clang-format -i

# PREFIX and DESTDIR as usual.
install: all
	cmake --install build $(if $(PREFIX),--prefix $(PREFIX))

asan: TYPE = Debug
asan: FLAGS = -DTARN_SANITIZE=address
tsan: TYPE = Debug
tsan: FLAGS = -DTARN_SANITIZE=thread
asan tsan:
	$(CONFIGURE) build-$@
	$(call BUILD,build-$@)
	tools/run_tests build-$@

clean:
	cmake -E rm -rf build build-asan build-tsan

.PHONY: all test bench lint format install asan tsan clean
