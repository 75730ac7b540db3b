import { describe, expect, test } from "vitest";
import { surroundingsFaults } from "./surroundings.ts";

const SANDBOX = [
  "82 44 254:0 /home/a\\040b/toolchains/50/root / ro,relatime - ext4 /dev/vda rw",
  "83 82 0:46 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw",
  "84 82 0:47 / /tmp rw,nosuid,relatime - tmpfs tmpfs rw",
  "85 82 0:48 / /dev rw,nosuid,noexec,relatime - tmpfs tmpfs rw,size=64k,mode=755",
  "86 82 0:49 / /imgrel ro,nosuid,nodev,relatime - tmpfs tmpfs ro,size=64k,mode=755",
  "87 82 0:50 / /in ro,nosuid,nodev,relatime - tmpfs tmpfs ro,size=64k,mode=755",
  "88 86 254:0 /src/builders /imgrel/builders ro,nosuid,nodev,relatime - ext4 /dev/vda rw",
  "89 86 254:0 /src/node /imgrel/bin/node ro,nosuid,nodev,relatime - ext4 /dev/vda rw",
  "90 87 254:0 /cache/blobs /in/blobs ro,nosuid,nodev,relatime - ext4 /dev/vda rw",
  "91 82 0:51 / /w rw,nosuid,relatime shared:5 - tmpfs tmpfs rw,mode=755",
  "92 91 254:0 /state/run-2/out /w/out rw,relatime - ext4 /dev/vda rw",
  "93 91 254:0 /state/run-2/logs /w/logs rw,relatime - ext4 /dev/vda rw",
];
const POD = [
  "700 650 0:300 / / ro,relatime master:1 - overlay overlay ro,lowerdir=/a:/b",
  "701 700 0:301 / /proc rw,nosuid - proc proc rw",
  "702 700 0:302 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k",
  "703 702 0:303 / /dev/pts rw,nosuid - devpts devpts rw",
  "704 702 0:304 / /dev/mqueue rw,nosuid - mqueue mqueue rw",
  "705 700 0:305 / /sys ro,nosuid - sysfs sysfs ro",
  "706 705 0:306 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw",
  "707 700 254:1 /pods/x/volumes/w /w rw,relatime - ext4 /dev/vda rw",
  "708 700 254:1 /pods/x/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda rw",
  "709 702 254:1 /pods/x/containers/t /dev/termination-log rw,relatime - ext4 /dev/vda rw",
  "710 701 0:302 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw",
];
// what runc 1.1.5 shows under cgroup v1, with the masks and the single files of a kubelet
const CONTAINER = [
  "71 45 0:60 / / ro,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d",
  "72 71 0:41 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw",
  "73 71 0:42 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755",
  "74 73 0:43 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666",
  "75 73 0:44 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k",
  "76 73 0:40 / /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue mqueue rw",
  "77 71 0:45 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro",
  "78 77 0:52 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755",
  "82 78 0:32 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,memory",
  "95 78 0:37 /kubepods/pod1/c1 /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,name=systemd",
  "96 71 254:0 /pods/1/volumes/empty-dir/w /w rw,relatime - ext4 /dev/vda rw,discard",
  "97 71 254:0 /pods/1/volumes/empty-dir/in /in ro,relatime - ext4 /dev/vda rw,discard",
  "98 96 254:0 /pods/1/volume-subpaths/scratch/build/0 /w/out rw,relatime - ext4 /dev/vda rw,discard",
  "99 96 254:0 /pods/1/volume-subpaths/scratch/build/1 /w/logs rw,relatime - ext4 /dev/vda rw,discard",
  "100 71 254:0 /pods/1/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda rw,discard",
  "101 71 254:0 /sandboxes/1/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw,discard",
  "102 71 254:0 /sandboxes/1/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw,discard",
  "103 73 254:0 /pods/1/containers/build/5f3a /dev/termination-log rw,relatime - ext4 /dev/vda rw,discard",
  "48 72 0:41 /bus /proc/bus ro,relatime - proc proc rw",
  "51 72 0:41 /sys /proc/sys ro,relatime - proc proc rw",
  "52 72 0:53 / /proc/acpi ro,relatime - tmpfs tmpfs ro",
  "53 72 0:42 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755",
  "55 77 0:54 / /sys/firmware ro,relatime - tmpfs tmpfs ro",
];
const NAMES = new Map<string, readonly string[]>([
  ["/w", ["logs", "out", "request.json", "tmp"]],
  ["/w/out", []],
  ["/w/logs", []],
  ["/w/tmp", []],
  ["/in", ["blobs", "request.json"]],
  ["/in/blobs", ["00", "fe"]],
  ["/mnt", []],
]);
const faults = (lines: readonly string[], names = NAMES) =>
  surroundingsFaults({ mountInfo: `${lines.join("\n")}\n`, names });

test.each([
  ["a sandbox", SANDBOX],
  ["a pod", POD],
  ["a container with a pod's volumes", CONTAINER],
])("%s is a run's own", (_, lines) => expect(faults(lines)).toEqual([]));

test("a new volume has only what its file system brings", () => {
  const volumes = ["/w/out", "/w/logs"].map((folder): [string, string[]] => [folder, ["lost+found"]]);
  expect(faults(CONTAINER, new Map([...NAMES, ["/w", []], ...volumes]))).toEqual([]);
});

describe("is found:", () => {
  test.each([
    ["another run's folder", "95 87 254:0 /state/run-1 /in/run-1 ro - ext4 /dev/vda rw", "/in/run-1"],
    ["the old root", "95 82 254:0 / /mnt rw - ext4 /dev/vda rw", "/mnt"],
    ["a cache below the work folder", "95 91 0:60 / /w/cache rw - tmpfs tmpfs rw", "/w/cache"],
    ["a disk among the kernel's folders", "95 85 254:0 /state /dev/shm rw - ext4 /dev/vda rw", "/dev/shm"],
    [
      "a folder of the machine",
      "95 82 254:0 /var/cache /var/cache rw,shared:1 master:2 - xfs /dev/vdb rw",
      "/var/cache",
    ],
    [
      "a token of the cluster",
      "95 82 0:61 / /run/secrets/kubernetes.io/serviceaccount ro - tmpfs tmpfs rw",
      "/run/secrets/kubernetes.io/serviceaccount",
    ],
    ["a folder of the node", "95 82 254:0 /var/lib/kubelet /var/lib/kubelet rw - ext4 /dev/vda rw", "/var/lib/kubelet"],
    ["what cannot be read as a mount", "95", "95"],
  ])("%s", (_, line, point) => expect(faults([...SANDBOX, line])).toEqual([`something is mounted at ${point}`]));

  test.each([
    ["/w", "root"],
    ["/w/out", "amd64"],
    ["/w/logs", "root.log"],
    ["/w/tmp", "dracut"],
    ["/in", "run-1"],
    ["/in/blobs", "stage1.tar"],
    ["/mnt", "home"],
  ])("in %s: %s", (folder, name) => {
    const names = new Map([...NAMES, [folder, [...(NAMES.get(folder) ?? []), name]]]);
    expect(faults(SANDBOX, names)).toEqual([`${folder} holds ${name}`]);
  });
});
