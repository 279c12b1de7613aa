# SPDX-License-Identifier: GPL-2.0-only
# looptop on stock kernels in emulated machines: some seven minutes, root. KERNELS=5.10,6.12-arm64
# takes some of them.

VM_NODES := 16 22
VM_NODES_NEW := 24 26

.PHONY: test-vm
test-vm:
	packaging/deps.sh vm
	tests/get-node $(VM_NODES)
	tests/get-node --arch arm64 $(VM_NODES) $(VM_NODES_NEW)
	+$(MAKE_TEST) WERROR=1 all cross
	$(Q)$(PYTEST) tests/vm -q $(if $(KERNELS),--kernels $(KERNELS))
