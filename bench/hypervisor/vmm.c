/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * vmm FILE: executes the flat binary at 16 MiB of a guest of Linux' KVM with one processor and KVM's own
 * interrupt controllers, prints what it writes to the UART, and leaves with it.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY	    (64 << 20)
#define ENTRY	    (16 << 20)
#define UART	    0x1fe001e0
#define UART_LSR    (UART + 5)
#define LSR_EMPTY   0x60
#define EXIT_DEVICE 0x100e2000
#define CSR_CRMD    0
#define CSR_CPUID   0x20
#define CRMD_DA	    8

static int request(int fd, unsigned long command, void *argument, const char *what)
{
	int result = ioctl(fd, command, argument);

	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void controllers_create(int vm)
{
	static const uint32_t kinds[] = { KVM_DEV_TYPE_LOONGARCH_IPI, KVM_DEV_TYPE_LOONGARCH_EIOINTC };
	struct kvm_create_device device;
	uint32_t cpus = 1, features = 0;
	struct kvm_device_attr attr = { .group = KVM_DEV_LOONGARCH_EXTIOI_GRP_CTRL };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		device = (struct kvm_create_device){ .type = kinds[i] };
		request(vm, KVM_CREATE_DEVICE, &device, "KVM_CREATE_DEVICE");
	}
	attr.attr = KVM_DEV_LOONGARCH_EXTIOI_CTRL_INIT_NUM_CPU;
	attr.addr = (uintptr_t)&cpus;
	request(device.fd, KVM_SET_DEVICE_ATTR, &attr, "EIOINTC's processors");
	attr.attr = KVM_DEV_LOONGARCH_EXTIOI_CTRL_INIT_FEATURE;
	attr.addr = (uintptr_t)&features;
	request(device.fd, KVM_SET_DEVICE_ATTR, &attr, "EIOINTC's features");
}

static void memory_create(int vm, const char *file)
{
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY,
						      .userspace_addr = (uintptr_t)memory };
	int fd = open(file, O_RDONLY);

	if (memory == MAP_FAILED || madvise(memory, MEMORY, MADV_NOHUGEPAGE) || fd < 0 ||
	    read(fd, memory + ENTRY, MEMORY - ENTRY) <= 0) {
		perror(file);
		exit(1);
	}
	close(fd);
	request(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

static void csr_set(int vcpu, unsigned number, uint64_t value)
{
	struct kvm_one_reg reg = { .id = KVM_REG_LOONGARCH_CSR | KVM_REG_SIZE_U64 | number << 3,
				   .addr = (uintptr_t)&value };

	request(vcpu, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

/* True: it has left. */
static int access_do(struct kvm_run *run)
{
	if (run->mmio.phys_addr == EXIT_DEVICE)
		return 1;
	if (run->mmio.is_write && run->mmio.phys_addr == UART)
		putchar(run->mmio.data[0]);
	if (!run->mmio.is_write)
		memset(run->mmio.data, run->mmio.phys_addr == UART_LSR ? LSR_EMPTY : 0, run->mmio.len);
	return 0;
}

int main(int argc, char **argv)
{
	struct kvm_regs regs = { .pc = ENTRY };
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu;
	struct kvm_run *run;

	if (argc != 2 || kvm < 0) {
		perror("vmm FILE: /dev/kvm");
		return 1;
	}
	vm = request(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	controllers_create(vm);
	memory_create(vm, argv[1]);
	vcpu = request(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	run = mmap(NULL, (size_t)request(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE"),
		   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	csr_set(vcpu, CSR_CPUID, 0);
	csr_set(vcpu, CSR_CRMD, CRMD_DA);
	request(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
	for (;;) {
		request(vcpu, KVM_RUN, NULL, "KVM_RUN");
		if (run->exit_reason == KVM_EXIT_LOONGARCH_IOCSR) {
			memset(run->iocsr_io.data, 0, sizeof(run->iocsr_io.data));
		} else if (run->exit_reason != KVM_EXIT_MMIO) {
			fprintf(stderr, "vmm: exit %u at 0x%llx\n", run->exit_reason, regs.pc);
			return 1;
		} else if (access_do(run)) {
			return 0;
		}
	}
}
