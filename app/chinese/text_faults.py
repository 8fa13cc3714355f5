"""Every sentence about the machine's limits and its end, in one place, in Chinese."""

OUT_OF_MEMORY = "内存不足，无法完成：请换小一些的图片、短一些的回答或小一些的模型。"
DISK_FULL = "服务器的磁盘已满：请稍后再试，并告知服务器的管理者。"
DISK_CLOSED = "服务器无法写入磁盘：请稍后再试，并告知服务器的管理者。"
TOO_OFTEN = "每分钟最多可开始 {most} 次运行：请在 {seconds} 秒后再来。"
TOO_OFTEN_HERE = "从您的网络地址每分钟最多可开始 {most} 次运行：请在 {seconds} 秒后再来。"
TOO_MANY_WAIT = "您已有 {most} 次运行在排队：请等其中一次结束后再来。"
ADDRESS_WAITS = "从您的网络地址已有太多运行在排队：请一分钟后再试。"
