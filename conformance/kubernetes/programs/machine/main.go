// Command machine is the first process of a node, in namespaces of its own: it
// makes a machine out of them, and starts and stops what runs there. When it
// ends, the kernel ends everything else on the node.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
)

func main() {
	if len(os.Args) != 2 || os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "machine: it is started by the harness, as the first process of new namespaces")
		os.Exit(2)
	}
	for i := range machine.Outputs {
		unix.CloseOnExec(machine.FirstOutput + i) // each is for one program
	}
	description, err := read(os.Args[1])
	if err == nil {
		err = set(description)
	}
	answer(err)
	if err != nil {
		os.Exit(1)
	}
	processes := newProcesses()
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		verb, name, _ := strings.Cut(commands.Text(), " ")
		program, known := description.Programs[name]
		switch {
		case known && verb == machine.Start:
			answer(processes.start(name, program))
		case known && verb == machine.Stop:
			answer(processes.stop(name))
		default:
			answer(fmt.Errorf("machine: unknown command %q", commands.Text()))
		}
	}
	// The harness is gone, and so is the node.
}

func answer(err error) {
	if err == nil {
		fmt.Println(machine.OK)
		return
	}
	fmt.Println(machine.Failed, strings.ReplaceAll(err.Error(), "\n", " "))
}

func read(file string) (machine.Description, error) {
	var description machine.Description
	text, err := os.ReadFile(file)
	if err != nil {
		return description, err
	}
	return description, json.Unmarshal(text, &description)
}

// set makes the machine.
func set(d machine.Description) error {
	// What is mounted here is not seen outside; what is mounted within, by the
	// kubelet for its containers, is seen by all of the node.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share mounts on the node: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, folder := range d.Private {
		if err := private(folder); err != nil {
			return err
		}
	}
	if err := size(d); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(d.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	// A bridge without ports is an interface that every kernel has which can
	// have the bridges of Pods.
	for _, args := range []string{
		"link set lo up",
		"link add eth0 type bridge",
		"address add " + d.Address + " dev eth0",
		"link set eth0 up",
	} {
		if err := ip(args); err != nil {
			return err
		}
	}
	for _, r := range d.Relays {
		if err := relayTo(r); err != nil {
			return err
		}
	}
	return nil
}

// ip runs the program of that name.
func ip(args string) error {
	if said, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, said)
	}
	return nil
}

// private gives the node a folder of its own in the place of the machine's.
func private(folder string) error {
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount %s: %w", folder, err)
	}
	return nil
}

var memTotal = regexp.MustCompile(`(?m)^MemTotal:.*$`)

// size shows the kubelet a machine of the size asked for, in the places where it
// looks. What its containers get is what the real machine has.
func size(d machine.Description) error {
	if d.Cores > 0 {
		const cpus = "/sys/devices/system/cpu"
		// Without nodes of memory, it is the processors that are counted.
		for _, folder := range []string{"/sys/devices/system/node", cpus} {
			if err := private(folder); err != nil {
				return err
			}
		}
		for i := range d.Cores {
			core := filepath.Join(cpus, "cpu"+strconv.Itoa(i))
			if err := os.MkdirAll(filepath.Join(core, "topology"), 0o755); err != nil {
				return err
			}
			for file, value := range map[string]int{"online": 1, "topology/core_id": i, "topology/physical_package_id": 0} {
				if err := os.WriteFile(filepath.Join(core, file), []byte(strconv.Itoa(value)+"\n"), 0o444); err != nil {
					return err
				}
			}
		}
		list := "0-" + strconv.Itoa(d.Cores-1) + "\n"
		for _, file := range []string{"online", "possible", "present"} {
			if err := os.WriteFile(filepath.Join(cpus, file), []byte(list), 0o444); err != nil {
				return err
			}
		}
	}
	if d.MemoryBytes == 0 {
		return nil
	}
	const meminfo = "/proc/meminfo"
	text, err := os.ReadFile(meminfo)
	if err != nil {
		return err
	}
	text = memTotal.ReplaceAll(text, fmt.Appendf(nil, "MemTotal: %d kB", d.MemoryBytes/1024))
	const file = "/run/meminfo"
	if err := os.WriteFile(file, text, 0o444); err != nil {
		return err
	}
	if err := unix.Mount(file, meminfo, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", meminfo, err)
	}
	return nil
}
