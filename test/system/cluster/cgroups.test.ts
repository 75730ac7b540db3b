import { expect, test } from "vitest";
import { hierarchiesOf } from "./cgroups.ts";

const V1 = `30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
31 24 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory
32 24 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
33 24 0:29 / /sys/fs/cgroup/unified rw,nosuid shared:12 - cgroup2 cgroup2 rw
34 24 0:30 / /tmp rw - tmpfs tmpfs rw
`;

test("hierarchies of version 1 are mounted again by their controllers, a named one by its name", () => {
  const own = "9:cpu,cpuacct:/\n4:memory:/machine/x\n1:name=systemd:/user.slice\n0::/user.slice\n";
  expect(hierarchiesOf(own, V1)).toEqual([
    {
      type: "cgroup",
      mount: "/sys/fs/cgroup/cpu,cpuacct",
      own: "/sys/fs/cgroup/cpu,cpuacct",
      options: "cpu,cpuacct",
    },
    { type: "cgroup", mount: "/sys/fs/cgroup/memory", own: "/sys/fs/cgroup/memory/machine/x", options: "memory" },
    {
      type: "cgroup",
      mount: "/sys/fs/cgroup/systemd",
      own: "/sys/fs/cgroup/systemd/user.slice",
      options: "none,name=systemd",
    },
    { type: "cgroup2", mount: "/sys/fs/cgroup/unified", own: "/sys/fs/cgroup/unified/user.slice", options: "rw" },
  ]);
});

test("version 2 is one hierarchy; a mount of a part of it is entered at its top", () => {
  const mount = "29 23 0:25 /docker/x /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n";
  expect(hierarchiesOf("0::/docker/x/a\n", mount)[0]?.own).toBe("/sys/fs/cgroup/a");
  expect(hierarchiesOf("0::/elsewhere\n", mount)[0]?.own).toBe("/sys/fs/cgroup");
});
