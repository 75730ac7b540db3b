#!/bin/sh
# Makes the small images beside this file, for tests of readers that must not need the toolchain. Run it in an empty
# folder with erofs-utils 1.8, e2fsprogs 1.47, dosfstools 4.2, mtools 4, util-linux 2.41, qemu-utils 10, composefs 1.0.8 and zstd.
set -eu
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C.UTF-8 TZ=UTC
uuid=11111111-2222-8333-8444-555555555555

mkdir -p tree/etc tree/usr/bin
printf hello >tree/etc/small
{
	seq 1 1500
	yes words | head -c 12000
} >tree/usr/bin/long
ln -s ../usr/bin/long tree/etc/link
: >tree/empty

mkfs.erofs --quiet -T$SOURCE_DATE_EPOCH -U$uuid -L root plain-erofs tree
mkfs.erofs --quiet -zlz4hc,9 -C16384 -T$SOURCE_DATE_EPOCH -U$uuid -L root erofs tree
mkfs.erofs --quiet -zlz4hc,9 -Elegacy-compress -T$SOURCE_DATE_EPOCH -U$uuid -L root legacy-erofs tree
mke2fs -q -t ext4 -b 1024 -N 32 -m 0 -O ^has_journal,^resize_inode,^orphan_file,^metadata_csum_seed \
	-E lazy_itable_init=0,hash_seed=$uuid,root_owner=0:0,nodiscard -U $uuid -L persist -d tree ext4 256k
mkfs.fat --invariant -F12 -s1 -n ESP -i 1234abcd -C fat 128 >/dev/null
mmd -i fat ::EFI ::EFI/BOOT
mcopy -i fat tree/usr/bin/long "::EFI/BOOT/a longer name.efi"
mcopy -i fat tree/etc/small ::small.txt
mkfs.fat --invariant -F32 -s1 -n ESP32 -i 1234abcd -C fat32 300 >/dev/null 2>&1
mmd -i fat32 ::EFI
mcopy -i fat32 tree/etc/small ::EFI/small.txt

truncate -s 200K gpt
sfdisk -q --no-reread --no-tell-kernel gpt <<END
label: gpt
label-id: AAAAAAAA-BBBB-8CCC-8DDD-EEEEEEEEEEEE
start=40, size=256, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$uuid, name="esp"
start=296, size=64, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=11111111-2222-8333-8444-666666666666, name="powernode-root"
END
dd if=fat of=gpt bs=512 seek=40 conv=notrunc status=none
dd if=erofs of=gpt bs=512 seek=296 conv=notrunc status=none
truncate -s 150K mbr
sfdisk -q --no-reread --no-tell-kernel mbr <<END
label: dos
label-id: 0x50574e52
start=8, size=256, type=c, bootable
END
dd if=fat of=mbr bs=512 seek=8 conv=notrunc status=none
qemu-img convert -f raw -O qcow2 -o cluster_size=4096 gpt qcow2
qemu-img convert -c -f raw -O qcow2 -o cluster_size=4096 gpt zlib-qcow2

cp tree/usr/bin/long tree/usr/bin/copy # two files of one content share their attributes
mkcomposefs --use-epoch --min-version=0 --max-version=0 tree composefs

for image in plain-erofs erofs legacy-erofs composefs ext4 fat fat32 gpt mbr qcow2 zlib-qcow2; do
	zstd -19 -q -f "$image" -o "$image.zst"
	rm "$image"
done
rm -r tree
