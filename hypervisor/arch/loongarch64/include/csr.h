/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Control and status registers: the manual's names, and access to root's file and, by LVZ, to the guest's. */
#ifndef BIXI_CSR_H
#define BIXI_CSR_H

#define CSR_CRMD      0x0
#define CSR_PRMD      0x1
#define CSR_EUEN      0x2
#define CSR_MISC      0x3
#define CSR_ECFG      0x4
#define CSR_ESTAT     0x5
#define CSR_ERA	      0x6
#define CSR_BADV      0x7
#define CSR_BADI      0x8
#define CSR_EENTRY    0xc
#define CSR_TLBIDX    0x10
#define CSR_TLBEHI    0x11
#define CSR_TLBELO0   0x12
#define CSR_TLBELO1   0x13
#define CSR_GTLBC     0x15
#define CSR_TRGP      0x16
#define CSR_ASID      0x18
#define CSR_PGDL      0x19
#define CSR_PGDH      0x1a
#define CSR_PGD	      0x1b
#define CSR_PWCL      0x1c
#define CSR_PWCH      0x1d
#define CSR_STLBPS    0x1e
#define CSR_RVACFG    0x1f
#define CSR_CPUID     0x20
#define CSR_PRCFG1    0x21
#define CSR_SAVE0     0x30
#define CSR_SAVE1     0x31
#define CSR_SAVE2     0x32
#define CSR_SAVE3     0x33
#define CSR_SAVE4     0x34
#define CSR_SAVE5     0x35
#define CSR_SAVE6     0x36
#define CSR_SAVE7     0x37
#define CSR_TID	      0x40
#define CSR_TCFG      0x41
#define CSR_TVAL      0x42
#define CSR_CNTC      0x43
#define CSR_TICLR     0x44
#define CSR_GSTAT     0x50
#define CSR_GCFG      0x51
#define CSR_GINTC     0x52
#define CSR_GCNTC     0x53
#define CSR_LLBCTL    0x60
#define CSR_IMPCTL1   0x80
#define CSR_IMPCTL2   0x81
#define CSR_TLBRENTRY 0x88
#define CSR_TLBRBADV  0x89
#define CSR_TLBRERA   0x8a
#define CSR_TLBRSAVE  0x8b
#define CSR_TLBRELO0  0x8c
#define CSR_TLBRELO1  0x8d
#define CSR_TLBREHI   0x8e
#define CSR_TLBRPRMD  0x8f
#define CSR_MERRCTL   0x90
#define CSR_MERRENTRY 0x93
#define CSR_MERRSAVE  0x95
#define CSR_MSGIS0    0xa0
#define CSR_MSGIS1    0xa1
#define CSR_MSGIS2    0xa2
#define CSR_MSGIS3    0xa3
#define CSR_MSGIR     0xa4
#define CSR_MSGIE     0xa5
#define CSR_DMW0      0x180
#define CSR_DMW1      0x181
#define CSR_DMW2      0x182
#define CSR_DMW3      0x183
#define CSR_PMCFG0    0x200
#define CSR_PMCNT0    0x201
#define CSR_MWPC      0x300
#define CSR_FWPC      0x380
#define CSR_DBG	      0x500

#define CRMD_PLV       0x3
#define CRMD_IE	       0x4
#define CRMD_DA	       0x8
#define CRMD_WE	       0x200
#define PRMD_PIE       0x4
#define PRMD_PWE       0x8
#define TCFG_EN	       0x1
#define TCFG_PERIODIC  0x2
#define LLBCTL_WCLLB   0x2
#define TLBRERA_ISTLBR 0x1
#define TLBRPRMD_PWE   0x10

/* Bits of ESTAT.IS and ECFG.LIE. */
#define IS_SWI 0x3
#define IS_HWI 0x3fc
#define IS_PMI (1 << 10)
#define IS_TI  (1 << 11)
#define IS_IPI (1 << 12)
#define IS_MSG (1 << 14)
#define IS_ALL 0x5fff

#define GTLBC_USETGID	 0x1000
#define GTLBC_TOTI	 0x2000
#define GTLBC_TGID	 0xff0000
#define GSTAT_PVM	 0x2
#define GSTAT_GID	 0xff0000
#define GID_SHIFT	 16
#define GCFG_MATP_ROOT	 0x2
#define GCFG_MATC_ROOT	 0x10
#define GCFG_MATC	 0x30
#define GCFG_GCIP_SECURE 0x40000
#define GCFG_GCI_SECURE	 0x200000
#define GCFG_GPMP	 0x800000
#define GCFG_ENABLES	 0x730aab0 /* all that is not a capability */
#define GPERF_SHIFT	 24
#define GINTC_PIP	 0xff00

#define ECODE_INT  0x0
#define ECODE_PIL  0x1
#define ECODE_PIS  0x2
#define ECODE_PIF  0x3
#define ECODE_PME  0x4
#define ECODE_PNR  0x5
#define ECODE_PNX  0x6
#define ECODE_PPI  0x7
#define ECODE_INE  0xd
#define ECODE_WPE  0x13
#define ECODE_GSPR 0x16
#define ECODE_HVC  0x17

#ifndef __ASSEMBLER__
#include <stdint.h>

#define csr_read(n)		   __builtin_loongarch_csrrd_d(n)
#define csr_write(n, value)	   ((void)__builtin_loongarch_csrwr_d(value, n))
#define csr_swap(n, value)	   __builtin_loongarch_csrwr_d(value, n)
#define csr_change(n, value, mask) ((void)__builtin_loongarch_csrxchg_d(value, mask, n))

#define gcsr_read(n)                                                                                         \
	({                                                                                                   \
		uint64_t value_;                                                                             \
		__asm__ volatile("gcsrrd %0, %1" : "=r"(value_) : "i"(n));                                   \
		value_;                                                                                      \
	})
#define gcsr_swap(n, value)                                                                                  \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		__asm__ volatile("gcsrwr %0, %1" : "+r"(value_) : "i"(n) : "memory");                        \
		value_;                                                                                      \
	})
#define gcsr_write(n, value) ((void)gcsr_swap(n, value))
#define gcsr_change(n, value, mask)                                                                          \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		__asm__ volatile("gcsrxchg %0, %2, %1"                                                       \
				 : "+r"(value_)                                                              \
				 : "i"(n), "r"((uint64_t)(mask))                                             \
				 : "memory");                                                                \
	})

#define cpucfg(word) __builtin_loongarch_cpucfg(word)

/* Entries of this CPU's TLB: all, and all guests' of both stages. */
#define TLB_ALL	       0x0
#define TLB_GUESTS     0x12
#define tlb_forget(op) __asm__ volatile("invtlb %0, $zero, $zero" ::"i"(op) : "memory")
#endif
#endif
