/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The DSDT of the virt machine: what ACPI cannot enumerate.  Addresses and pins are those of
 * machine/firmware/platform.h (an interrupt's number is 64 + its PCH-PIC pin).  Processors are in an
 * SSDT that acpi.c writes, because their number varies.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 2, "BIXI  ", "BIXIVIRT", 1)
{
    Name (\_S5, Package () { 5, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PWRB)
        {
            Name (_HID, "PNP0C0C")
            Name (_UID, 0)
        }

        /* Tells which event has happened: reading the selector takes the pending bits. */
        Device (GED)
        {
            Name (_HID, "ACPI0013")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 71 }
            })
            OperationRegion (EREG, SystemMemory, 0x100E0000, 4)
            Field (EREG, DWordAcc, NoLock, WriteAsZeros)
            {
                ESEL, 32
            }
            Method (_EVT, 1, Serialized)
            {
                Local0 = ESEL
                If (Local0 & 2)
                {
                    Notify (PWRB, 0x80)
                }
            }
        }

        Device (COM0)
        {
            Name (_HID, "PNP0501")
            Name (_UID, 0)
            Name (_CCA, 1)
            Name (_CRS, ResourceTemplate ()
            {
                QWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x1FE001E0, 0x1FE001E7, 0, 8)
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 66 }
            })
            Name (_DSD, Package ()
            {
                ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
                Package () { Package () { "clock-frequency", 100000000 } }
            })
        }

        Device (COM1)
        {
            Name (_HID, "PNP0501")
            Name (_UID, 1)
            Name (_CCA, 1)
            Name (_CRS, ResourceTemplate ()
            {
                QWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x1FE002E0, 0x1FE002E7, 0, 8)
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 67 }
            })
            Name (_DSD, Package ()
            {
                ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
                Package () { Package () { "clock-frequency", 100000000 } }
            })
        }

        Device (COM2)
        {
            Name (_HID, "PNP0501")
            Name (_UID, 2)
            Name (_CCA, 1)
            Name (_CRS, ResourceTemplate ()
            {
                QWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x1FE003E0, 0x1FE003E7, 0, 8)
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 68 }
            })
            Name (_DSD, Package ()
            {
                ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
                Package () { Package () { "clock-frequency", 100000000 } }
            })
        }

        Device (COM3)
        {
            Name (_HID, "PNP0501")
            Name (_UID, 3)
            Name (_CCA, 1)
            Name (_CRS, ResourceTemplate ()
            {
                QWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x1FE004E0, 0x1FE004E7, 0, 8)
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 69 }
            })
            Name (_DSD, Package ()
            {
                ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
                Package () { Package () { "clock-frequency", 100000000 } }
            })
        }

        Device (PCI0)
        {
            Name (_HID, "PNP0A08")
            Name (_CID, "PNP0A03")
            Name (_SEG, 0)
            Name (_BBN, 0)
            Name (_UID, 0)
            Name (_CCA, 1)

            Method (_CBA, 0, NotSerialized)
            {
                Return (0x20000000)
            }

            /* Pin p of device d is INTx number (d + p) & 3: PCH-PIC pins 16 to 19. */
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                For (Local1 = 0, Local1 < 128, Local1++)
                {
                    Local2 = Package (4) { 0, 0, 0, 0 }
                    Local2 [0] = ((Local1 >> 2) << 16) | 0xFFFF
                    Local2 [1] = Local1 & 3
                    Local2 [3] = 80 + (((Local1 >> 2) + Local1) & 3)
                    Local0 [Local1] = Local2
                }
                Return (Local0)
            }

            /*
             * Port p is at 0x18000000 + p; ports below 0x4000 are not decoded.  (A translation to
             * 0x18004000 for ports from 0 would name each port 0x4000 too low.)
             */
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x007F, 0, 0x0080)
                DWordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x00004000, 0x0000FFFF, 0x18000000, 0x0000C000,,,, TypeTranslation)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0x40000000, 0x7FFFFFFF, 0, 0x40000000)
            })

            Name (CTRL, 0)
            Method (_OSC, 4, Serialized)
            {
                CreateDWordField (Arg3, 0, CDW1)
                If (Arg0 == ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
                {
                    CreateDWordField (Arg3, 8, CDW3)
                    CTRL = CDW3
                    /* The kernel may have: SHPC hot-plug, PME, AER, PCIe capability control. */
                    CTRL &= 0x1E
                    If (Arg1 != 1)
                    {
                        CDW1 |= 0x08 /* unknown revision */
                    }
                    If (CDW3 != CTRL)
                    {
                        CDW1 |= 0x10 /* some bits were taken away */
                    }
                    CDW3 = CTRL
                }
                Else
                {
                    CDW1 |= 4 /* unknown UUID */
                }
                Return (Arg3)
            }

            Method (_DSM, 4, Serialized)
            {
                If (Arg0 == ToUUID ("e5c937d0-3553-4d7a-9117-ea4d19c3434d"))
                {
                    If (Arg2 == 0)
                    {
                        Return (Buffer () { 0x21 }) /* functions 0 and 5 */
                    }
                    If (Arg2 == 5)
                    {
                        Return (1) /* the kernel may reassign what was assigned at boot */
                    }
                }
                Return (Buffer () { 0 })
            }

            /* The configuration space: nobody else's. */
            Device (RES0)
            {
                Name (_HID, "PNP0C02")
                Name (_UID, 0)
                Name (_CRS, ResourceTemplate ()
                {
                    QWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                        0, 0x20000000, 0x27FFFFFF, 0, 0x08000000)
                })
            }
        }
    }
}
