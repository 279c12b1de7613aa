# SPDX-License-Identifier: GPL-2.0-only
# looptop on stock kernels in emulated machines: some four minutes, root. KERNELS=5.10,6.1 takes some of them.

VM_NODES := 16 22

.PHONY: test-vm
test-vm:
	packaging/deps.sh vm
	tests/get-node $(VM_NODES)
	+$(MAKE_TEST) WERROR=1 all
	$(Q)$(PYTEST) tests/vm -q $(if $(KERNELS),--kernels $(KERNELS))
