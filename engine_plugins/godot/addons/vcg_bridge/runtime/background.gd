@tool
extends RefCounted
## Work in the engine's thread pool, with its result on the main thread. The pool wants every task to be waited for, else it
## keeps it for ever.


## From the main thread. [param work] runs in a thread; [param then] is called with what it returns, on the main thread.
static func run(work: Callable, then: Callable = Callable()) -> void:
	var task := [0]
	task[0] = WorkerThreadPool.add_task(_work.bind(work, then, task))


static func _work(work: Callable, then: Callable, task: Array) -> void:
	_finish.call_deferred(work.call(), then, task)


static func _finish(result: Variant, then: Callable, task: Array) -> void:
	WorkerThreadPool.wait_for_task_completion(int(task[0]))  # it has nothing left to do
	if then.is_valid():
		then.call(result)
