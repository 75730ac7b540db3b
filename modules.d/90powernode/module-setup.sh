#!/bin/bash
# dracut module: find, verify and mount the Powernode root image, and learn who this node is.
# Sourced by dracut: it defines functions and runs nothing.

check() {
	return 0
}

depends() {
	echo base fs-lib
}

installkernel() {
	# beside the forced drivers of 50-powernode.conf: disks, buses and file systems that images are booted from
	hostonly='' instmods erofs overlay loop ext4 vfat nls_ascii nls_cp437 isofs cdrom sr_mod sd_mod \
		virtio_scsi nvme ahci usb-storage uas =drivers/mmc =drivers/usb/host
	# on a board a disk is behind more than a bus: clocks, pins, power
	case ${DRACUT_ARCH:-$(uname -m)} in
	aarch64)
		hostonly='' instmods '=drivers/clk' =drivers/dma =drivers/firmware =drivers/gpio =drivers/i2c/busses \
			=drivers/mailbox =drivers/mfd =drivers/nvmem =drivers/phy =drivers/power =drivers/regulator =drivers/reset \
			=drivers/soc =drivers/spi =drivers/usb/dwc2 =drivers/usb/dwc3
		;;
	esac
}

install() {
	inst_multiple blkid blockdev cat chmod fsverity grep head mkdir modprobe mount readlink rm sed sha256sum stat switch_root tr \
		umount veritysetup
	# moddir is dracut's: this folder
	# shellcheck disable=SC2154
	inst_simple "$moddir/powernode-lib.sh" /usr/lib/powernode/lib.sh
	inst_simple "$moddir/powernode-disk.sh" /usr/lib/powernode/disk.sh
	inst_hook cmdline 90 "$moddir/parse-powernode.sh"
	inst_hook mount 10 "$moddir/mount-powernode.sh"
}
